import type { z } from 'zod';
import type { Capabilities } from './capabilities.ts';
import type { Connection } from './connection.ts';

/**
 * Speaks to one outside system. It knows that system's wire format and nothing of ours but the types it is handed: no
 * database, no queue, no other adapter. What it throws is an `OutsideFailure`; what a kind of failure means is decided by
 * those who call it.
 */
export interface Adapter<Settings = unknown> {
  /** Names it in the API, in paths and in rows. Never rename it. */
  key: string;
  name: string;
  /** What the user supplies, secrets included. Refuses what it does not know. */
  settings: z.ZodType<Settings>;
  /** Settings that are stored encrypted and never shown, by name. */
  secrets: readonly string[];
  /** Milliseconds between the starts of two calls to one account; 0 for no limit. */
  spacingMs(settings: Settings): number;
  /** Proves that the settings work, with one or two calls. */
  check(connection: Connection<Settings>): Promise<Account>;
  /** Inside a capability nothing is optional: an adapter has it whole or not at all. */
  can: Partial<Capabilities<Settings>>;
}

/** The account that settings lead to. */
export interface Account {
  /** The same for every connection to it: they share its rate budget. */
  id: string;
  /** For people. */
  name: string;
}

/** An adapter, whatever its settings are: the settings of a connection have been read by it before. */
export type AnyAdapter = Adapter<unknown>;
