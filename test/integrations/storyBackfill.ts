// A backfill at size: npm run story:backfill [customers, 100000 when left out]
// Starts a PostgreSQL, a gateway and an ActiveCampaign of its own, kills the gateway half-way, and ends with 1 unless every
// customer is there as here and known by the contact's id. Imports are limited there to 25,000 contacts a minute.

import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Database, openDatabase } from '../../src/core/database.ts';
import { startEmbeddedPostgres } from '../../src/core/embeddedPostgres.ts';
import type { ActiveCampaign } from '../peers/activecampaign/activeCampaign.ts';
import { startActiveCampaign } from '../peers/activecampaign/startActiveCampaign.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';

const customers = Number(process.argv[2] ?? 100_000);
const dataDir = await mkdtemp(join(tmpdir(), 'frontdesk-story-'));
const postgres = await startEmbeddedPostgres({ dataDir });
const db = openDatabase(postgres.url);
const peer = await startActiveCampaign({ rate: 200, apiKey: randomBytes(12).toString('hex') });
const adminKey = 'a-key-for-the-story-and-nothing-else-at-all';
const open = (port = 0) =>
  startGateway({
    databaseUrl: postgres.url,
    env: {
      ALLOW_PRIVATE_PEERS: 'true',
      FRONTDESK_ADMIN_KEY: adminKey,
      PORT: String(port),
      DEMO: 'false',
      LOG_LEVEL: 'warn',
    },
  });
let gateway = await open();
try {
  const report = await story();
  console.log(JSON.stringify(report, null, 2));
  process.exitCode =
    report.status === 'COMPLETED' && report.differing === 0 && report.linked === customers ? 0 : 1;
} finally {
  await gateway.kill();
  await peer.stop();
  await db.$disconnect();
  await postgres.stop();
  await rm(dataDir, { recursive: true, force: true });
}

interface Progress {
  status: string;
  progressPercent: number;
  rowsDone: number;
  rowsSent: number;
  rowsKnown: number;
  rowsRefused: number;
}

async function story() {
  const { id: workspaceId } = await db.workspace.findFirstOrThrow();
  await fill(db, workspaceId);
  const list = peer.addList('Newsletter');
  const connectionId = (
    await ask('connectIntegration', 'integrationConnection { id }', {
      integration: 'activecampaign',
      settings: { apiUrl: peer.url, apiKey: peer.apiKey, spacingMs: 5, defaultListId: list },
    })
  ).id as string;
  peer.forgetCalls();
  console.log(`${customers} customers; the backfill begins`);
  const began = performance.now();
  const seconds = () => Math.round((performance.now() - began) / 1_000);
  let operation = (await ask('startBackfill', 'bulkOperation { id }', { connectionId })) as unknown as {
    id: string;
  } & Progress;
  let killedAt = 0;
  let sentAt = 0;
  let peakMb = 0;
  for (
    let told = 0;
    !operation.status || ['QUEUED', 'RUNNING'].includes(operation.status);
    await sleep(250)
  ) {
    operation = (await request(
      'query ($id: ID!) { bulkOperation(id: $id) { id status progressPercent rowsDone rowsSent rowsKnown rowsRefused } }',
      { id: operation.id },
    )) as unknown as typeof operation;
    peakMb = Math.max(peakMb, await peakOf(gateway));
    if (!sentAt && operation.rowsDone >= customers) sentAt = seconds();
    if (seconds() >= told + 10) {
      told = seconds();
      console.log(
        `${told} s: ${operation.progressPercent} %, ${operation.rowsDone} handed over, ${operation.rowsSent} taken, ${peakMb} MB at most`,
      );
    }
    if (!killedAt && operation.rowsDone >= customers / 2) {
      await gateway.kill();
      killedAt = seconds();
      console.log(`${killedAt} s: killed at ${operation.rowsDone}`);
      gateway = await open(Number(new URL(gateway.url).port));
    }
  }
  const calls = peer.calls();
  const times = { killedAt, handedOver: sentAt, ended: seconds() };
  const imports = calls.filter(({ method, path }) => method === 'POST' && path.endsWith('/bulk_import'));
  return {
    customers,
    ...operation,
    seconds: times,
    peakMb,
    calls: calls.length,
    imports: { taken: imports.filter(({ status }) => status === 200).length, all: imports.length },
    pages: calls.filter(({ method, path }) => method === 'GET' && path.endsWith('/contacts')).length,
    contacts: peer.contacts().length,
    linked: await db.integrationContact.count({ where: { remoteId: { not: null } } }),
    differing: await differing(db, peer),
  };
}

/** By SQL: a hundred thousand by the API would be a story of its own. Every second agreed to marketing, every third has a tag. */
async function fill(db: Database, workspaceId: string): Promise<void> {
  await db.$executeRaw`
    INSERT INTO customer (id, workspace_id, first_name, last_name, email, marketing_consent, sort_name, search_text, created_at, updated_at)
    SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, ${workspaceId}::uuid, 'First ' || n, 'Last',
      'c' || n || '@example.com', n % 2 = 0, 'last' || n, ' first' || n, now(), now() FROM generate_series(1, ${customers}::integer) n`;
  await ask('createTag', 'tag { id }', { name: 'Regular' });
  await db.$executeRaw`
    INSERT INTO customer_tag (workspace_id, customer_id, tag_id, customer_created_at)
    SELECT c.workspace_id, c.id, t.id, c.created_at FROM customer c JOIN tag t USING (workspace_id) WHERE get_byte(uuid_send(c.id), 15) % 3 = 0`;
  await db.$executeRaw`ANALYZE customer, customer_tag`;
}

/** How many customers are not there as they are here. */
async function differing(db: Database, peer: ActiveCampaign): Promise<number> {
  const there = new Map(
    peer
      .contacts()
      .map(({ email, firstName, lastName, tags, lists }) => [
        email,
        [firstName, lastName, ...tags, ...Object.values(lists)].join(' '),
      ]),
  );
  const rows = await db.$queryRaw<{ email: string; looks: string }[]>`
    SELECT email, concat_ws(' ', first_name, last_name, (SELECT t.name FROM customer_tag ct JOIN tag t ON t.id = ct.tag_id
      WHERE ct.workspace_id = c.workspace_id AND ct.customer_id = c.id), CASE WHEN marketing_consent THEN '1' END) AS looks FROM customer c`;
  return rows.filter(({ email, looks }) => there.get(email) !== looks).length;
}

/** The most memory that a gateway has had so far, in megabytes; 0 where the system does not tell. */
async function peakOf({ pid }: Gateway): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024);
}

async function ask(name: string, wanted: string, input: object): Promise<Record<string, unknown>> {
  const type = name.replace(/^./, (letter) => letter.toUpperCase());
  const payload = await request(
    `mutation ($input: ${type}Input!) { ${name}(input: $input) { __typename ... on ${type}Payload { ${wanted} } ... on Error { message } } }`,
    { input },
  );
  const made = Object.values(payload).find((value) => typeof value === 'object');
  if (!made) throw new Error(JSON.stringify(payload));
  return made as Record<string, unknown>;
}

async function request(query: string, variables: object): Promise<Record<string, unknown>> {
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': adminKey },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as {
    data: Record<string, Record<string, unknown>> | null;
    errors?: unknown;
  };
  const [field] = Object.values(data ?? {});
  if (errors || !field) throw new Error(JSON.stringify(errors));
  return field;
}
