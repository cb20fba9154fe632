/** The layout of the memory in which all threads keep the times of rate limits: 8 bytes a cell. */
import { maxBlocks } from "./counters.ts";

/** Limits with one bucket that a service can have. */
export const limitsPerBlock = 16;
export const limitBytesOfBlocks = maxBlocks * limitsPerBlock * Float64Array.BYTES_PER_ELEMENT;
/** Behind them: buckets of limits per caller, header and the like, found by hashing. */
export const keyedLimitCells = 32_749;
export const limitBytes = limitBytesOfBlocks + keyedLimitCells * Float64Array.BYTES_PER_ELEMENT;
