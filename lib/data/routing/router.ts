/** Decides which rule a request falls under, and which of the rule's targets is to have it. */
import type { Random } from "../../core/ports.ts";
import type { RouteRule } from "../../core/traffic.ts";
import { type RequestFacts, trafficKey } from "./facts.ts";
import { decideFault, type FaultDecision } from "./fault.ts";
import { type Matcher, readsLower } from "./match.ts";
import { compileRule, type Route, type Target } from "./route.ts";
import { KeyedChoice, SmoothChoice, SpareChoice } from "./weighted_choice.ts";

/** What is to be done with one request. The same object serves many requests: whoever gets it only reads it. */
export interface RouteDecision {
  readonly route: Route;
  /** Undefined: all endpoints of the service called. */
  readonly target: Target | undefined;
  /** Where a copy goes, for a request that is to be copied. */
  readonly mirror: Target | undefined;
  readonly fault: FaultDecision | undefined;
}

/** Index of a target. `moves` is false for a look that must leave no trace; some may have to be passed over. */
type Choose = (
  facts: RequestFacts,
  random: Random,
  moves: boolean,
  without?: readonly boolean[],
) => number;

interface Entry {
  readonly route: Route;
  readonly fits: Matcher | undefined;
  readonly choose: Choose;
  /** One per target, or one for a rule without: the decision when nothing else happens to the request. */
  readonly plain: readonly RouteDecision[];
}

/** The rules of one service in one thread, with the turns of their weights. */
export class Router {
  readonly #entries: readonly Entry[];
  /** Those of all rules by their index. */
  readonly targets: readonly Target[];

  constructor(entries: readonly Entry[]) {
    this.#entries = entries;
    const targets: Target[] = [];
    for (const { route } of entries) {
      for (const target of [...route.targets, ...route.mirror ? [route.mirror] : []]) {
        targets[target.index] = target;
      }
    }
    this.targets = targets;
  }

  get routes(): readonly Route[] {
    return this.#entries.map(({ route }) => route);
  }

  /**
   * Decides by the first rule that fits.
   *
   * Shape: undefined when none does; the request then goes to all endpoints of its service.
   * Cost: 10 to 20 ns a rule that does not fit, plus what its conditions decode; no allocation unless the request is
   * copied or meets a fault.
   */
  decide(facts: RequestFacts, random: Random): RouteDecision | undefined {
    return this.#decide(facts, random, true);
  }

  /** What `decide` would say now, without taking anybody's turn. */
  look(facts: RequestFacts, random: Random): RouteDecision | undefined {
    return this.#decide(facts, random, false);
  }

  /** Rule by rule up to the first that fits, whether it does. Those behind it are not asked. */
  trace(
    facts: RequestFacts,
    random: Random,
  ): readonly { readonly route: Route; readonly fits: boolean }[] {
    const steps: { route: Route; fits: boolean }[] = [];
    for (const { route, fits } of this.#entries) {
      const hit = fits === undefined || fits(facts, random);
      steps.push({ route, fits: hit });
      if (hit) break;
    }
    return steps;
  }

  /**
   * The target in place of one that has nobody: its share goes to the rest of the rule's targets by their weights.
   *
   * Shape: `empty` for each target of the rule. Undefined when all are.
   */
  instead(
    { route }: RouteDecision,
    facts: RequestFacts,
    { empty, moves, random }: {
      readonly empty: readonly boolean[];
      readonly moves: boolean;
      readonly random: Random;
    },
  ): Target | undefined {
    if (!empty.includes(false)) return undefined;
    return route.targets[this.#entries[route.index]!.choose(facts, random, moves, empty)];
  }

  #decide(facts: RequestFacts, random: Random, moves: boolean): RouteDecision | undefined {
    const entries = this.#entries;
    for (let index = 0; index < entries.length; index++) {
      const { fits, choose, plain, route } = entries[index]!;
      if (fits !== undefined && !fits(facts, random)) continue;
      const decision = plain[choose(facts, random, moves)]!;
      if (route.fault === undefined && route.mirror === undefined) return decision;
      const fault = decideFault(route.fault, random);
      const { mirror } = route;
      const copied = mirror !== undefined && random() < mirror.share;
      if (fault === undefined && !copied) return decision;
      return { route, target: decision.target, mirror: copied ? mirror : undefined, fault };
    }
    return undefined;
  }
}

/**
 * Compiles the rules of one service.
 *
 * Shape: undefined for no rules, so that who has none pays one comparison.
 * Errors: PolicyError; the rules are taken whole or not at all.
 */
export function compileRoutes(rules: readonly RouteRule[]): Router | undefined {
  if (rules.length === 0) return undefined;
  let targets = 0;
  const nextTarget = () => targets++;
  return new Router(rules.map((rule, index) => entryOf(rule, { index, nextTarget })));
}

function entryOf(
  rule: RouteRule,
  place: { readonly index: number; readonly nextTarget: () => number },
): Entry {
  const { route, fits } = compileRule(rule, place);
  const outcomes = route.targets.length === 0 ? [undefined] : route.targets;
  return {
    route,
    fits,
    choose: chooser(rule, route.targets),
    plain: outcomes.map((target) => ({ route, target, mirror: undefined, fault: undefined })),
  };
}

/** Requests without the key of a sticky rule take turns. */
function chooser(rule: RouteRule, targets: readonly Target[]): Choose {
  if (targets.length < 2) return () => 0;
  const weights = rule.targets.map(({ weight }) => weight).filter((one) => one > 0);
  const turns = new SmoothChoice(weights);
  const spare = new SpareChoice(weights);
  const inTurn: Choose = (_, random, moves, without) => {
    if (without !== undefined) return spare.of(without, { moves, random });
    return moves ? turns.next(random) : turns.peek();
  };
  if (rule.sticky === undefined) return inTurn;
  const key = readsLower(rule.sticky);
  const keyed = new KeyedChoice(
    targets.map(({ label, share }) => ({ name: label, weight: share })),
    rule.name,
  );
  return (facts, random, moves, without) => {
    const text = trafficKey(facts, key);
    return text === undefined ? inTurn(facts, random, moves, without) : keyed.of(text, without);
  };
}
