/** A deadline that counts how often it was called. */
import { Deadline } from "../../lib/data/net/timers.ts";

export class Probe extends Deadline {
  fired = 0;
  onExpired: () => void = () => {};

  override expired(): void {
    this.fired++;
    this.onExpired();
  }
}
