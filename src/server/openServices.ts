import type { GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import { openLocalBus, openRedisBus } from '../core/bus.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import { type Config, secretIn } from '../core/config.ts';
import { openDatabase } from '../core/database.ts';
import { createMetrics } from '../core/metrics.ts';
import { openReader } from '../core/reader.ts';
import { createVault } from '../core/vault.ts';
import { openEventLog } from '../events/log.ts';
import { createSequencer } from '../events/sequencer.ts';
import { createAuthenticator } from './authenticate.ts';
import { createDocuments } from './documents.ts';
import { createLive, rightsOf } from './live/createLive.ts';
import { createReads } from './reads/createReads.ts';
import type { Services } from './services.ts';
import { createSessions } from './sessions.ts';
import { createVerifyToken } from './verifyToken.ts';

/** Events after which somebody may have other rights than before. */
const changesRights = /^(user|team|api_key|staff_member)\./;

export interface ServicesOptions {
  config: Config;
  databaseUrl: string;
  schema: GraphQLSchema;
  log: Logger;
  clock?: Clock;
}

/** Opens what a process works with, and says how to close it again. The sequencer runs from here on. */
export function openServices(options: ServicesOptions): { services: Services; close(): Promise<void> } {
  const { config, log, schema, clock = systemClock } = options;
  const onError = (error: Error) => log.warn({ error }, 'a database connection broke');
  const db = openDatabase(options.databaseUrl, { onError });
  const reader = openReader(options.databaseUrl, { onError });
  // Connections of its own: the log goes on however long clients' queries take.
  const ofLog = openReader(options.databaseUrl, { poolSize: 3, onError });
  const bus = config.redisUrl ? openRedisBus(config.redisUrl, log) : openLocalBus();
  const sequencer = createSequencer(ofLog, bus, log);
  const eventLog = openEventLog(db, ofLog, bus);
  const authenticator = createAuthenticator({
    db,
    clock,
    log,
    verifyToken: createVerifyToken(config.jwt, clock, log),
  });
  const maxPerKey = config.live.socketsPerKey;
  const sessions = createSessions({ authenticator, clock, log, maxPerKey, rightsOf });
  const metrics = createMetrics(db, bus);
  const documents = createDocuments(schema);
  const reads = createReads(schema, reader, metrics.reads);
  const outside = {
    vault: createVault(config.secret ?? secretIn(config.dataDir), config.previousSecret),
    allowPrivatePeers: config.allowPrivatePeers,
    publicUrl: config.publicUrl ?? `http://${config.host}:${config.port ?? 4000}`,
    metrics: metrics.sync,
  };
  const parts = {
    config,
    log,
    clock,
    db,
    bus,
    eventLog,
    sequencer,
    metrics,
    authenticator,
    sessions,
    outside,
  };
  const services = { ...parts, schema, documents, reads } as Services;
  services.live = createLive(services, ofLog);
  sessions.onChange(services.live.regroup);
  // Heard of through the log, in every process where somebody follows it; the sessions' own checks are the backstop.
  eventLog.onRead((events) => {
    if (events.some(({ type }) => changesRights.test(type))) sessions.check();
  });
  sequencer.start();

  return {
    services,
    async close() {
      sessions.stop();
      eventLog.close();
      await sequencer.stop();
      await bus.close();
      await Promise.all([reader.close(), ofLog.close()]);
      await db.$disconnect();
    },
  };
}
