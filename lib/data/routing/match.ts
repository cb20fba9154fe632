/** Turns the conditions of a rule into one function that says whether a request fits them. */
import { hashShare, hashText } from "../../core/hash.ts";
import type { Random } from "../../core/ports.ts";
import type { RequestMatch, TrafficKey } from "../../core/traffic.ts";
import { cookieValue, queryValue, type RequestFacts, trafficKey } from "./facts.ts";
import { checkShare, inPlace } from "./policy_error.ts";
import { compileText } from "./text_match.ts";

export type Matcher = (facts: RequestFacts, random: Random) => boolean;

/**
 * Compiles a match; regular expressions are compiled here and never again.
 *
 * Shape: cheap conditions are asked first and the share last, so that only requests that fit everything else draw
 * lots. Empty lists are no condition. `share: 0` fits nothing. A request without the key of `sticky` draws lots.
 * `salt` is the name of the rule: with the same key, rules of different names choose independently, and a greater
 * share keeps all whom a smaller one has chosen.
 * Errors: PolicyError, which says which condition is wrong.
 * Cost: no allocation beyond what the facts decode.
 */
export function compileMatch(match: RequestMatch, salt = ""): Matcher {
  const tests: Matcher[] = [];
  if (match.methods?.length) {
    tests.push(oneOf(match.methods.flatMap(spellings), (facts) => facts.method));
  }
  if (match.callers?.length) tests.push(oneOf(match.callers, (facts) => facts.caller));
  if (match.path !== undefined) {
    const path = match.path;
    const test = inPlace("path", () => compileText(path));
    tests.push((facts) => test(facts.path));
  }
  for (const { name, value } of match.headers ?? []) {
    const lower = name.toLowerCase();
    const test = inPlace(`header ${name}`, () => compileText(value));
    tests.push((facts) => test(facts.header(lower)));
  }
  for (const { name, value } of match.cookies ?? []) {
    const test = inPlace(`cookie ${name}`, () => compileText(value));
    tests.push((facts) => test(cookieValue(facts.header("cookie"), name)));
  }
  for (const { name, value } of match.queries ?? []) {
    const test = inPlace(`query parameter ${name}`, () => compileText(value));
    tests.push((facts) => test(queryValue(facts.query, name)));
  }
  if (match.any?.length) tests.push(anyOf(match.any, salt));
  if (match.share !== undefined) tests.push(shareOf(match.share, match.sticky, salt));
  return allOf(tests);
}

/** Methods are case-sensitive, yet nobody who writes `get` means a method of that name. */
function spellings(method: string): readonly string[] {
  const upper = method.toUpperCase();
  return upper === method ? [method] : [method, upper];
}

function oneOf(names: readonly string[], read: (facts: RequestFacts) => string): Matcher {
  const first = names[0]!;
  if (names.length === 1) return (facts) => read(facts) === first;
  const known = new Set(names);
  return (facts) => known.has(read(facts));
}

function anyOf(matches: readonly RequestMatch[], salt: string): Matcher {
  const tests = matches.map((match, index) =>
    inPlace(`any ${index + 1}`, () => compileMatch(match, `${salt}#${index + 1}`))
  );
  return (facts, random) => {
    for (let index = 0; index < tests.length; index++) {
      if (tests[index]!(facts, random)) return true;
    }
    return false;
  };
}

function shareOf(share: number, sticky: TrafficKey | undefined, salt: string): Matcher {
  checkShare("share", share);
  if (share === 0) return () => false;
  if (share === 1) return () => true;
  if (sticky === undefined) return (_, random) => random() < share;
  const key = readsLower(sticky);
  const seed = hashText(salt);
  return (facts, random) => {
    const text = trafficKey(facts, key);
    return (text === undefined ? random() : hashShare(hashText(text, seed))) < share;
  };
}

/** The key with the name of its header as facts are asked for it. */
export function readsLower(key: TrafficKey): TrafficKey {
  return key.kind === "header" ? { kind: "header", name: key.name.toLowerCase() } : key;
}

function allOf(tests: readonly Matcher[]): Matcher {
  const [first, second] = tests;
  if (first === undefined) return () => true;
  if (second === undefined) return first;
  if (tests.length === 2) return (facts, random) => first(facts, random) && second(facts, random);
  return (facts, random) => {
    for (let index = 0; index < tests.length; index++) {
      if (!tests[index]!(facts, random)) return false;
    }
    return true;
  };
}
