import type { ScoreRule } from './rule.ts';

/** A line of a customer's ledger: a row of `lead_score_entry`. */
export interface Entry {
  id: string;
  ruleId: string | null;
  eventId: string | null;
  /** The entry from which this one takes points away day by day. */
  ofEntryId: string | null;
  points: number;
  reason: string;
  amountMinor: bigint | null;
  occurredAt: Date;
  expiresAt: Date | null;
  decaysAt: Date | null;
}

/** What a customer did last of their own accord. */
export interface LastAct {
  eventId: string;
  occurredAt: Date;
  recordedAt: Date;
}

/**
 * What scoring needs to know of one customer, and what it finds out. Of the entries it holds those that can still
 * matter: that rules with a cap look at, that decay, that are for the last act.
 */
export interface Ledger {
  /** By rule, without what decay took. */
  entries: Map<string, Entry[]>;
  /** What decay took, by the entry that it took it from. */
  taken: Map<string, Entry[]>;
  decaying: Set<Entry>;
  /** `rule event` of entries that are there. */
  keys: Set<string>;
  /** Amounts so far, by rule. */
  spent: Map<string, bigint>;
  /** `rule payment` of the payments that earned points, so that only those are taken back. */
  earned: Set<string>;
  last: LastAct | null;
  /** Entries that are new. */
  written: Set<Entry>;
  /** Entries from before whose end or decay changed, with when they were to end; what they take along is up to whoever stores it. */
  changed: Map<Entry, Date | null>;
}

export function newLedger(last: LastAct | null = null): Ledger {
  return {
    entries: new Map(),
    taken: new Map(),
    decaying: new Set(),
    keys: new Set(),
    spent: new Map(),
    earned: new Set(),
    last,
    written: new Set(),
    changed: new Map(),
  };
}

/** Whether its points are part of the score at this moment. */
export function counts({ expiresAt }: Pick<Entry, 'expiresAt'>, at: Date): boolean {
  return expiresAt === null || expiresAt > at;
}

export const dayMs = 86_400_000;
export const daysAfter = (at: Date, days: number) => new Date(at.getTime() + days * dayMs);

/** Tells a ledger of an entry that is there. */
export function add(ledger: Ledger, entry: Entry): void {
  const [map, key] = entry.ofEntryId ? [ledger.taken, entry.ofEntryId] : [ledger.entries, entry.ruleId ?? ''];
  const known = map.get(key);
  if (known) known.push(entry);
  else map.set(key, [entry]);
  if (entry.decaysAt) ledger.decaying.add(entry);
  if (entry.eventId) ledger.keys.add(`${entry.ruleId} ${entry.eventId}`);
}

/** Adds an entry that a rule made. */
export function write(ledger: Ledger, rule: ScoreRule, entry: Omit<Entry, 'ruleId'>): void {
  const whole = { ...entry, ruleId: rule.id };
  add(ledger, whole);
  ledger.written.add(whole);
}

/** Notes that an entry is about to change, unless it is new anyway. */
export function change(ledger: Ledger, entry: Entry): void {
  if (!ledger.written.has(entry) && !ledger.changed.has(entry)) ledger.changed.set(entry, entry.expiresAt);
}

/** Lets an entry end, with what decay took from it. */
export function end(ledger: Ledger, entry: Entry, at: Date): void {
  change(ledger, entry);
  for (const part of [entry, ...(ledger.taken.get(entry.id) ?? [])]) {
    part.expiresAt = at;
    part.decaysAt = null;
  }
  ledger.decaying.delete(entry);
}
