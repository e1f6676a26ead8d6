#!/usr/bin/env node
// Prisma's schema engine without its download: the WebAssembly build from npm behind the protocol that the
// `prisma` command line speaks to the native binary. prisma.config.ts points PRISMA_SCHEMA_ENGINE_BINARY here.
//
//   schema-engine.mjs [--datamodels file]... [--datasource json]        JSON-RPC, a line a message, on stdio
//   schema-engine.mjs --datasource json cli can-connect-to-database     exit code, errors as JSON on stderr
//   schema-engine.mjs --datasource json cli create-database
//
// Plain JavaScript, because the shebang may find a Node that cannot strip types.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const missing =
  'Migrations need the package @prisma/schema-engine-wasm, and it is not installed: a production install leaves ' +
  'development dependencies out. Run `npm ci` without --omit=dev. A server needs none of this: it applies ' +
  'prisma/migrations itself when it starts.';

const { values: args, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    datamodels: { type: 'string', multiple: true, default: [] },
    datasource: { type: 'string', default: '{}' },
    'enabled-preview-features': { type: 'string' },
    'extension-types': { type: 'string' },
    version: { type: 'boolean', short: 'V' },
  },
});
const { url, shadowDatabaseUrl } = JSON.parse(args.datasource);

// The command line reads one JSON object a line, and skips the first line.
function logLine(level, fields) {
  return `${JSON.stringify({ timestamp: new Date().toISOString(), level, fields, target: 'schema_engine::logger' })}\n`;
}

function failOnStderr(message, code = '') {
  process.stderr.write(logLine('INFO', { message: 'Starting schema engine' }));
  process.stderr.write(logLine('ERROR', { message, error_code: code, is_panic: false }));
  process.exitCode = 1;
}

async function loadWasm() {
  const require = createRequire(import.meta.url);
  let glue;
  try {
    glue = require.resolve('@prisma/schema-engine-wasm/schema_engine_bg');
  } catch {
    return undefined;
  }
  const engine = await import(pathToFileURL(glue).href);
  // Importing a .wasm file as a module needs a flag on Node 20, so it is instantiated by hand.
  const bytes = await readFile(glue.replace(/\.js$/, '.wasm'));
  const { instance } = await WebAssembly.instantiate(bytes, { './schema_engine_bg.js': engine });
  engine.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
  return engine;
}

const wasm = await loadWasm();
if (args.version) process.stdout.write(`schema-engine-cli ${wasm?.version() ?? 'unknown'}\n`);
else if (positionals[0] !== 'cli') await serve();
else if (!wasm) failOnStderr(missing);
else await runOnce(positionals[1]);

async function runOnce(command) {
  process.removeAllListeners('warning'); // every line on stderr must be JSON
  const { connectionError, databaseOf, onServer, quote } = await import('./adapter.mjs');
  const database = databaseOf(url);
  try {
    if (command === 'can-connect-to-database') {
      await onServer(url, [database], (client) => client.query('SELECT 1'));
    } else if (command === 'create-database') {
      await onServer(url, ['postgres', 'template1', 'defaultdb'], (client) =>
        client.query(`CREATE DATABASE ${quote(database)}`),
      );
    } else {
      failOnStderr(`The schema engine has no command "${command}".`);
    }
  } catch (error) {
    const { code, message } = connectionError(url, error);
    failOnStderr(message, code);
  }
}

async function serve() {
  const { adapterFactory, describeScriptError } = await import('./adapter.mjs');

  // A panic in WebAssembly arrives as an uncaught exception and leaves the promise of the command pending. If this
  // process died of it, the command line would end silently and with success, so the command gets its answer first.
  let panic = '';
  let fail = () => {};
  globalThis.PRISMA_WASM_PANIC_REGISTRY = { set_message: (message) => (panic = message) };
  process.on('uncaughtException', (error) => fail(error));

  let failedScript;
  let failedConnect;
  const adapters = [];
  const engines = {};
  const datamodels = await Promise.all(
    args.datamodels.map(async (path) => [path, await readFile(path, 'utf8')]),
  );

  // The engine connects when it is made, so one that compares only files is another one than the usual.
  function engineFor({ method, params }) {
    const offline =
      method === 'diff' && ![params.from, params.to].some((side) => side.tag === 'schemaDatasource');
    const kind = offline ? 'offline' : 'online';
    engines[kind] ??= (async () => {
      const adapter = adapterFactory({
        url,
        shadowDatabaseUrl,
        offline,
        onConnectError: (error) => (failedConnect = error),
        onScriptError: (script, error) => (failedScript = { script, error }),
      });
      adapters.push(adapter);
      return wasm.SchemaEngine.new(
        { datamodels: datamodels.length ? datamodels : undefined },
        () => {},
        adapter.factory,
      );
    })();
    return engines[kind];
  }

  // Replaying the migrations needs a shadow database, which this build of the engine makes in devDiagnostic only,
  // and keeps the result of. It must have seen the very list of migrations that the next command brings.
  let replayed;
  async function replay(engine, { migrationsList, filters }) {
    const key = JSON.stringify(migrationsList.migrationDirectories);
    if (key === replayed) return;
    await engine.devDiagnostic({ migrationsList, filters });
    replayed = key;
  }

  async function run(request) {
    if (!wasm) throw new Error(missing);
    const { method, params = {} } = request;
    const engine = await engineFor(request);
    switch (method) {
      case 'diff': {
        const { stdout, exitCode } = await engine.diff(params);
        // The native engine prints through the command line and answers with the exit code alone.
        send({ jsonrpc: '2.0', id: 0, method: 'print', params: { content: stdout.replace(/\n$/, '') } });
        return { exitCode };
      }
      case 'evaluateDataLoss':
      case 'createMigration':
        await replay(engine, params);
        return engine[method](params);
      case 'getDatabaseVersion':
        return engine.version();
      case 'debugPanic':
        return engine.debugPanic();
      default:
        if (!engine[method]) throw new Error(`The schema engine has no method "${method}".`);
        return (await engine[method](params)) ?? {};
    }
  }

  function explain(error, { method, params }) {
    if (panic) return { message: `The schema engine failed: ${panic}` };
    if (failedConnect) return { message: failedConnect.message };
    // Without the trace of the engine's own source lines.
    const message = error.message.replace(/\n\s+0: [^\n]*(\n\s+(with|at|\d+:) [^\n]*)*\s*$/, '');
    if (!failedScript) return { message, error_code: error.code };
    const { script, error: cause } = failedScript;
    const reason = describeScriptError(script, cause);
    const migration = params?.migrationsList?.migrationDirectories.find(
      (one) => one.migrationFile.content.value === script,
    );
    if (method !== 'applyMigrations' || !migration) {
      return { message: `${message}\n\n${reason}`, error_code: error.code };
    }
    return {
      error_code: 'P3018',
      message:
        `A migration failed to apply. New migrations cannot be applied before it is resolved with \`prisma migrate resolve\`.` +
        `\n\nMigration name: ${migration.path}\n\nDatabase error code: ${cause.code ?? 'none'}\n\n${reason}`,
    };
  }

  function send(message) {
    process.stdout.write(`${JSON.stringify(message)}\n`);
  }

  // The command line kills this process as soon as it has its answer: clean up first, then answer.
  async function answer(request) {
    panic = '';
    failedScript = undefined;
    failedConnect = undefined;
    const { id } = request;
    let reply;
    try {
      const died = new Promise((_, reject) => (fail = reject));
      reply = { jsonrpc: '2.0', id, result: await Promise.race([run(request), died]) };
    } catch (error) {
      const data = { is_panic: false, ...explain(error, request) };
      reply = {
        jsonrpc: '2.0',
        id,
        error: { code: 4466, message: 'An error happened. Check the data field for details.', data },
      };
    }
    await dropShadows();
    send(reply);
  }

  async function dropShadows() {
    for (const adapter of adapters) await adapter.dropShadows().catch(() => {});
  }

  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ]) {
    process.once(signal, () => void dropShadows().finally(() => process.exit(code)));
  }

  let last = Promise.resolve();
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    if (!line.trim()) continue;
    const request = JSON.parse(line);
    // A line without a method is the answer to a print.
    if (request.method) last = last.then(() => answer(request));
  }
  await last;
  process.exit(0);
}
