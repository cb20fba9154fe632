/** The text of axe-core, which finds what keeps people out of a page; to be run inside of it. */
import axe from "./axe_module.ts";

export const axeSource: string = axe.source;
