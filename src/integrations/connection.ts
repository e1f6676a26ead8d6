import type { Call } from './http.ts';

/** What an adapter is handed: the settings of one connection, and the way out. */
export interface Connection<Settings = unknown> {
  settings: Settings;
  /** One request: waits for its turn in the rate budget, is noted in the log of calls, throws an `OutsideFailure`. */
  call: Call;
  /** What was looked up at this account before, such as the ids of tags; lives as long as the process. */
  known: Map<string, string>;
}
