/** Hands out the counter blocks: which service counts where, the same in every thread. */
import { blocks, firstServiceBlock, maxBlocks } from "../../plane/counters.ts";

export class BlockTable {
  readonly #byService = new Map<string, number>();

  /** Shape: a service keeps its block for the life of the process; beyond the last one services share `none`. */
  blockOf(service: string): number {
    const known = this.#byService.get(service);
    if (known !== undefined) return known;
    const block = firstServiceBlock + this.#byService.size;
    if (block >= maxBlocks) return blocks.none;
    this.#byService.set(service, block);
    return block;
  }

  /** Every block with its labels, the fixed ones first. */
  entries(): readonly {
    readonly block: number;
    readonly direction: string;
    readonly service: string;
  }[] {
    return [
      { block: blocks.none, direction: "outbound", service: "" },
      { block: blocks.inbound, direction: "inbound", service: "" },
      { block: blocks.outside, direction: "egress", service: "" },
      ...[...this.#byService].map(([service, block]) => ({
        block,
        direction: "outbound",
        service,
      })),
    ];
  }
}
