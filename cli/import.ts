import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  ask,
  call,
  change,
  environmentHelp,
  fail,
  follow,
  type Gateway,
  gatewayFromEnvironment,
  persistently,
  Unreachable,
} from './gateway.ts';

/**
 * Sends a file, starts the import and shows how it gets on. It may be killed at any moment: run again, it sends what
 * is missing of the file, and joins an import of it that is under way.
 */

const help = `Usage: npm run import -- FILE [--mapping MAPPING] [--errors FILE]

  FILE        customers, bookings or payments as CSV or in columns, plain or as .gz
  --mapping   how its columns become fields, as JSON (docs/import.md);
              "mapping.json" beside the file when left out
  --errors    where to write why rows were refused, as CSV; shown in part when left out

${environmentHelp}`;

/** Bytes sent in one request. */
const slice = 8 * 1_048_576;

interface Operation {
  id: string;
  name: string;
  status: 'QUEUED' | 'RUNNING' | 'COMPLETED' | 'CANCELLED' | 'FAILED';
  progressPercent: number;
  rowsDone: number;
  rowsRefused: number;
  rowsKnown: number;
  customersCreated: number;
  bookingsCreated: number;
  paymentsCreated: number;
  error: string | null;
  errorFilePath: string | null;
}

const state = /* GraphQL */ `
  fragment ImportState on BulkOperation {
    id name status progressPercent rowsDone rowsRefused rowsKnown customersCreated bookingsCreated paymentsCreated error errorFilePath
  }`;
const newest = /* GraphQL */ `{ bulkOperations(first: 20) { nodes { ...ImportState } } }`;
const startImport = /* GraphQL */ `
  mutation ($input: StartImportInput!) {
    startImport(input: $input) {
      ... on StartImportPayload { bulkOperation { ...ImportState } }
      ... on Error { message }
      ... on InvalidInputError { issues { path message } }
    }
  }`;
const progress = /* GraphQL */ `
  subscription ($id: ID!, $after: String) {
    bulkOperationProgress(id: $id, after: $after) { cursor bulkOperation { ...ImportState } }
  }`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      mapping: { type: 'string' },
      errors: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return console.log(help);
  const [file] = positionals;
  if (!file || positionals.length > 1) fail(help);
  const mapping = readMapping(values.mapping ?? join(dirname(file), 'mapping.json'), file);
  const gateway = gatewayFromEnvironment();

  const uploadId = await send(gateway, file);
  const { eventCursor } = await persistently(() => ask<{ eventCursor: string }>(gateway, '{ eventCursor }'));
  const operation = (await underWay(gateway, basename(file))) ?? (await start(gateway, uploadId, mapping));
  const ended = await watch(gateway, operation, eventCursor);
  await report(gateway, ended, values.errors);
}

function readMapping(path: string, file: string): unknown {
  if (!existsSync(file)) fail(`There is no file ${file}.`);
  if (!existsSync(path))
    fail(`There is no mapping ${path}: say which with --mapping (docs/import.md has the form).`);
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    return fail(`${path} is not valid JSON: ${(error as Error).message}`);
  }
}

/** Sends what of the file is not there yet, and answers the upload's id. */
async function send(gateway: Gateway, path: string): Promise<string> {
  const { size } = await stat(path);
  const hash = createHash('sha256');
  for await (const bytes of createReadStream(path)) hash.update(bytes);
  const encoded = (text: string) => Buffer.from(text).toString('base64');
  const metadata = `filename ${encoded(basename(path))},sha256 ${encoded(hash.digest('hex'))}`;
  const file = await open(path);
  try {
    // An upload that is known goes on where it was broken off.
    return await persistently(async () => {
      const made = await call(gateway, '/rest/v1/imports', {
        method: 'POST',
        headers: { 'Tus-Resumable': '1.0.0', 'Upload-Length': String(size), 'Upload-Metadata': metadata },
      });
      const { uploadId, received } = await answerOf<{ uploadId: string; received: number }>(made);
      for (let offset = received; offset < size; ) {
        const { buffer, bytesRead } = await file.read(Buffer.alloc(slice), 0, slice, offset);
        const sent = await call(gateway, `/rest/v1/imports/${uploadId}`, {
          method: 'PATCH',
          headers: { 'Upload-Offset': String(offset), 'content-type': 'application/offset+octet-stream' },
          body: buffer.subarray(0, bytesRead),
        });
        if (!sent.ok) await answerOf(sent);
        offset += bytesRead;
        show(`sending  ${bar(offset / size)} ${(offset / 1_048_576).toFixed(1)} MB`);
      }
      return uploadId;
    });
  } finally {
    await file.close();
  }
}

async function answerOf<Body>(response: Response): Promise<Body> {
  const body = (await response.json()) as Body & { error?: { message: string } };
  if (response.status === 409) throw new Unreachable(body.error?.message ?? 'conflict');
  return body.error ? fail(body.error.message) : body;
}

/** An import of a file of this name that has not ended: that of a client that was killed. */
async function underWay(gateway: Gateway, name: string): Promise<Operation | undefined> {
  const { bulkOperations } = await persistently(() =>
    ask<{ bulkOperations: { nodes: Operation[] } }>(gateway, newest + state),
  );
  return bulkOperations.nodes.find(
    (one) => one.name === name && (one.status === 'QUEUED' || one.status === 'RUNNING'),
  );
}

async function start(gateway: Gateway, uploadId: string, mapping: unknown): Promise<Operation> {
  const idempotencyKey = crypto.randomUUID();
  const { bulkOperation } = await persistently(() =>
    change<{ bulkOperation: Operation }>(gateway, startImport + state, { uploadId, mapping, idempotencyKey }),
  );
  return bulkOperation;
}

async function watch(gateway: Gateway, operation: Operation, after: string): Promise<Operation> {
  let now = operation;
  const began = { at: performance.now(), rows: operation.rowsDone };
  const look = (next: Operation) => {
    now = next;
    const rate = (now.rowsDone - began.rows) / ((performance.now() - began.at) / 1_000);
    const refused = now.rowsRefused > 0 ? `, ${count(now.rowsRefused)} refused` : '';
    show(
      `importing ${bar(now.progressPercent / 100)} ${count(now.rowsDone)} rows, ${count(Math.round(rate))}/s${refused}`,
    );
    return now.status !== 'QUEUED' && now.status !== 'RUNNING';
  };
  await follow(gateway, progress + state, { id: operation.id, after }, (event) =>
    look(event.bulkOperation as Operation),
  );
  show('');
  return now;
}

async function report(gateway: Gateway, ended: Operation, errors: string | undefined): Promise<void> {
  const { customersCreated, bookingsCreated, paymentsCreated, rowsKnown, rowsRefused } = ended;
  console.log(`${ended.status.toLowerCase()}: ${count(ended.rowsDone)} rows`);
  console.log(
    `  ${count(customersCreated)} customers, ${count(bookingsCreated)} bookings, ${count(paymentsCreated)} payments added`,
  );
  if (rowsKnown > 0) console.log(`  ${count(rowsKnown)} rows brought nothing new`);
  if (ended.errorFilePath) {
    const file = await call(gateway, ended.errorFilePath);
    const text = await file.text();
    console.log(`  ${count(rowsRefused)} rows refused${errors ? `, why: ${errors}` : ''}`);
    if (errors) writeFileSync(errors, text);
    else for (const line of text.trimEnd().split('\n').slice(1, 11)) console.log(`    row ${line}`);
  }
  if (ended.error) console.error(ended.error);
  if (ended.status !== 'COMPLETED') process.exitCode = 1;
}

const count = (number: number) => number.toLocaleString('en');

function bar(part: number): string {
  const done = Math.round(Math.min(1, part) * 24);
  return `[${'#'.repeat(done)}${' '.repeat(24 - done)}] ${String(Math.floor(part * 100)).padStart(3)} %`;
}

let shownAt = 0;

/** One line that is written over in a terminal; elsewhere a line every few seconds. */
function show(line: string): void {
  if (process.stderr.isTTY) return void process.stderr.write(`\r\u001b[K${line}`);
  if (!line || performance.now() - shownAt < 5_000) return;
  shownAt = performance.now();
  console.error(line);
}

await main().catch((error: Error) => fail(error.message));
