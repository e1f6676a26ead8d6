import type { GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import type { Bus } from '../core/bus.ts';
import type { Clock } from '../core/clock.ts';
import type { Config } from '../core/config.ts';
import type { Outside } from '../core/context.ts';
import type { Database } from '../core/database.ts';
import type { Metrics } from '../core/metrics.ts';
import type { EventLog } from '../events/log.ts';
import type { Sequencer } from '../events/sequencer.ts';
import type { Authenticator } from './authenticate.ts';
import type { Documents } from './documents.ts';
import type { Live } from './live/live.ts';
import type { Reads } from './reads/createReads.ts';
import type { Sessions } from './sessions.ts';

/** What the transports work with; made once a process. */
export interface Services {
  config: Config;
  outside: Outside;
  log: Logger;
  clock: Clock;
  db: Database;
  bus: Bus;
  eventLog: EventLog;
  sequencer: Sequencer;
  metrics: Metrics;
  authenticator: Authenticator;
  sessions: Sessions;
  live: Live;
  schema: GraphQLSchema;
  documents: Documents;
  /** Null leaves every query to the executor: tests compare the two. */
  reads: Reads | null;
}
