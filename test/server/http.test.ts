import { request } from 'node:http';
import { getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startInProcess } from '../support/gateway.ts';
import { codeOf, get, post, raw } from './client.ts';
import { seen, testSchema } from './testSchema.ts';

let database: TestDatabase;
let gateway: Awaited<ReturnType<typeof startInProcess>>;
let url: string;

beforeAll(async () => {
  database = await createTestDatabase();
  gateway = await startInProcess({ databaseUrl: database.url, schema: testSchema });
  url = gateway.url;
});

afterAll(async () => {
  await gateway?.stop();
  await database?.drop();
});

const ask = (query: string, headers: Record<string, string> = {}) =>
  post(url, { query }, { 'x-api-key': gateway.adminKey, ...headers });

/** How long the answer took, with the answer. */
async function timed<Result>(work: () => Promise<Result>): Promise<{ ms: number; answer: Result }> {
  const start = performance.now();
  const answer = await work();
  return { ms: performance.now() - start, answer };
}

describe('answers', () => {
  test('a query is answered over GET and POST, as the type that the client accepts', async () => {
    const plain = await ask('{ hello }');
    expect([plain.status, plain.text]).toEqual([200, '{"data":{"hello":"Hello, you"}}']);
    expect(plain.headers.get('content-type')).toBe('application/json; charset=utf-8');
    const newer = await ask('{ hello }', {
      accept: 'application/graphql-response+json, application/json;q=0.9',
    });
    expect(newer.headers.get('content-type')).toBe('application/graphql-response+json; charset=utf-8');
    const variables = encodeURIComponent('{"name":"Ada"}');
    const got = await get(
      `${url}/graphql?query=query($name:String){hello(name:$name)}&variables=${variables}`,
    );
    expect(got.body?.data).toEqual({ hello: 'Hello, Ada' });
  });

  test('a mutation over GET is 405 and changes nothing', async () => {
    const before = seen.mutations;
    const answer = await get(`${url}/graphql?query=mutation{bump}`);
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
    expect(seen.mutations).toBe(before);
  });

  test('other methods are 405 and say which are right', async () => {
    for (const method of ['PUT', 'DELETE', 'PATCH', 'HEAD']) {
      const answer = await fetch(`${url}/graphql`, { method });
      expect([method, answer.status, answer.headers.get('allow')]).toEqual([method, 405, 'GET, POST']);
    }
    expect((await fetch(`${url}/metrics`, { method: 'POST' })).status).toBe(405);
  });

  test('a connection is kept for the next request, unless a body was left unread', async () => {
    for (const path of ['/health/live', '/nothing', '/graphql?query={hello}']) {
      expect([path, (await get(url + path)).headers.get('connection')]).toEqual([path, 'keep-alive']);
    }
    expect((await post(url, 'x'.repeat(1_100_000))).headers.get('connection')).toBe('close');
  });

  test('what does not exist is 404 as JSON', async () => {
    for (const path of [
      '/nothing',
      '/graphql/',
      '/graphqlx',
      '//graphql',
      '/__proto__',
      '/constructor',
      '/%',
    ]) {
      const answer = await get(url + path);
      expect([path, answer.status, answer.headers.get('content-type')]).toEqual([
        path,
        404,
        'application/json; charset=utf-8',
      ]);
    }
  });

  test('the front page is the dashboard, or says what is here where none was built', async () => {
    const answer = await get(`${url}/`);
    expect(answer.status).toBe(200);
    expect(answer.text).toMatch(/\/graphql|id="root"/);
  });

  test('the query page is shown in a browser where it is enabled, and only there', async () => {
    expect((await get(`${url}/graphql`, { accept: 'text/html' })).text).not.toContain('<html');
    const own = await startInProcess({
      databaseUrl: database.url,
      schema: testSchema,
      env: { GRAPHIQL: 'true' },
    });
    const page = await get(`${own.url}/graphql`, { accept: 'text/html,application/xhtml+xml' });
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html']);
    expect(page.text).toContain('GraphiQL');
    await own.stop();
  });

  test("each answer has a request id: the caller's when it is a sane one", async () => {
    expect((await ask('{ hello }')).headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect((await ask('{ hello }', { 'x-request-id': 'trace-1234.5' })).headers.get('x-request-id')).toBe(
      'trace-1234.5',
    );
    expect((await ask('{ hello }', { 'x-request-id': 'a b"c' })).headers.get('x-request-id')).toMatch(
      /^[0-9a-f-]{36}$/,
    );
    expect((await ask('{ hello }', { 'x-request-id': 'x'.repeat(200) })).headers.get('x-request-id')).toMatch(
      /^[0-9a-f-]{36}$/,
    );
  });
});

describe('errors', () => {
  test('a bug never leaks its message: the caller gets the request id', async () => {
    for (const field of ['bug', 'wrongType']) {
      const answer = await ask(`{ ${field} }`);
      expect(answer.text).not.toContain('hunter2');
      expect(answer.body?.data).toEqual({ [field]: null });
      expect(answer.body?.errors?.[0]?.extensions).toEqual({
        code: 'INTERNAL',
        requestId: answer.headers.get('x-request-id'),
      });
    }
  });

  test('refusals and failures keep their code and details', async () => {
    const answer = await ask('{ limited invalid missing }');
    expect(answer.body?.errors?.map((error) => [error.path, error.extensions])).toEqual([
      [['limited'], { code: 'RATE_LIMITED', retryAfterSeconds: 7 }],
      [['invalid'], { code: 'BAD_USER_INPUT', issues: [{ path: 'after', message: 'Must be a cursor.' }] }],
      [['missing'], { code: 'NOT_FOUND', id: 'cus_1' }],
    ]);
  });

  test('a lost database connection is "try again", not a bug', async () => {
    expect(codeOf(await ask('{ unreachable }'))).toBe('UNAVAILABLE');
  });

  test('errors of the document have the standard codes', async () => {
    expect(codeOf(await ask('{'))).toBe('GRAPHQL_PARSE_FAILED');
    expect(codeOf(await ask('{ nothing }'))).toBe('GRAPHQL_VALIDATION_FAILED');
    expect(codeOf(await post(url, { query: 'query A { hello } query B { hello }' }))).toBe(
      'OPERATION_RESOLUTION_FAILURE',
    );
    expect(codeOf(await ask('query ($x: String!) { hello(name: $x) }'))).toBe('BAD_USER_INPUT');
    expect((await ask('{ nothing }')).body?.errors?.[0]).toMatchObject({
      message: expect.stringContaining('nothing'),
      locations: [{ line: 1, column: 3 }],
    });
  });

  test('a subscription over plain HTTP says where it belongs', async () => {
    const answer = await ask('subscription { tick { n } }');
    expect(answer.status).toBe(406);
    expect(answer.text).toContain('WebSocket');
    expect(seen.streamsOpen).toBe(0);
  });
});

describe('the schema', () => {
  const introspection = getIntrospectionQuery({
    inputValueDeprecation: true,
    specifiedByUrl: true,
    schemaDescription: true,
    oneOf: true,
  });

  test('is shown to those who signed in', async () => {
    const answer = await ask(introspection);
    expect(answer.body?.errors).toBeUndefined();
    expect(answer.body?.data).toHaveProperty('__schema');
  });

  test('is not shown to strangers, whoever asked the same before', async () => {
    await ask(introspection);
    for (const query of [
      introspection,
      '{ __schema { types { name } } }',
      '{ __type(name: "Query") { fields { name } } }',
      '{ a: __type(name: "Query") { ...F } } fragment F on __Type { fields { name } }',
    ]) {
      const answer = await post(url, { query });
      expect([answer.body?.data, codeOf(answer)]).toEqual([undefined, 'UNAUTHENTICATED']);
    }
    expect((await post(url, { query: '{ helo }' })).text).not.toContain('Did you mean');
    expect((await ask('{ helo }')).text).toContain('Did you mean');
  });
});

describe('limits', () => {
  const many = (count: number, one: (n: number) => string) =>
    Array.from({ length: count }, (_, n) => one(n)).join(' ');
  const bomb = (levels: number) =>
    `{ loop { ...F0 } } ${many(levels, (n) => `fragment F${n} on Loop { a: loop { ...F${n + 1} } b: loop { ...F${n + 1} } }`)} fragment F${levels} on Loop { leaf }`;

  test.for([
    ['tokens', `{ ${'hello '.repeat(10_001)} }`],
    ['brackets', '{'.repeat(100_000)],
    ['brackets', `{ hello(name: ${'['.repeat(50_000)}`],
    ['brackets', `query ($x: ${'['.repeat(50_000)}`],
    ['depth', `{ ${'loop { '.repeat(25)} leaf ${'}'.repeat(26)}`],
    ['rootFields', `{ ${many(51, (n) => `a${n}: hello`)} }`],
    ['aliases', `{ loop { ${many(101, (n) => `a${n}: leaf`)} } }`],
    ['fields', `{ ${many(45, (n) => `a${n}: loop { ...F }`)} } fragment F on Loop { ${'leaf '.repeat(90)} }`],
    ['leafRepeats', `{ ${'hello '.repeat(3_100)} }`],
    ['definitions', `{ hello } ${many(101, (n) => `fragment F${n} on Loop { leaf }`)}`],
    ['directives', `{ hello ${'@a '.repeat(101)} }`],
    ['directives', `query ${'@a '.repeat(101)} { hello }`],
    ['repeats', `{ ${'loop { leaf } '.repeat(51)} }`],
    [
      'repeats',
      `{ loop { ${many(60, (n) => `...G${n}`)} } } ${many(60, (n) => `fragment G${n} on Loop { leaf }`)}`,
    ],
    ['aliases', bomb(12)],
    ['depth', bomb(40)],
  ] as const)('%s: refused quickly, by name', async ([limit, query]) => {
    const { ms, answer } = await timed(() => ask(query));
    expect(answer.body?.errors?.[0]?.extensions).toMatchObject({ code: 'LIMIT_EXCEEDED', limit });
    expect(answer.body?.errors?.[0]?.message).toContain(String(answer.body?.errors?.[0]?.extensions.max));
    expect(ms).toBeLessThan(1_000); // generous: the machine may be busy
  });

  test('circles of fragments, thousands of unknown fields and of fragments are refused by validation', async () => {
    const circle = await ask(
      '{ loop { ...A } } fragment A on Loop { loop { ...B } } fragment B on Loop { loop { ...A } }',
    );
    expect(codeOf(circle)).toBe('GRAPHQL_VALIDATION_FAILED');
    const unknown = await ask(`{ ${many(2_900, (n) => `x${n}`)} }`);
    expect(unknown.body?.errors?.length).toBeLessThan(30);
    expect(codeOf(await ask(`{ hello } ${many(90, (n) => `fragment H${n} on Loop { leaf }`)}`))).toBe(
      'GRAPHQL_VALIDATION_FAILED',
    );
  });

  test('what ordinary clients ask passes', async () => {
    const colocated = `{ loop { ${many(40, (n) => `...G${n}`)} } } ${many(40, (n) => `fragment G${n} on Loop { leaf loop { leaf } }`)}`;
    const wide = `{ ${many(30, (n) => `a${n}: loop { leaf loop { leaf loop { leaf } } }`)} }`;
    for (const query of [colocated, wide, `{ ${'loop { '.repeat(18)} leaf ${'}'.repeat(19)}`]) {
      expect((await ask(query)).body?.errors).toBeUndefined();
    }
  });

  test('a body over 1 MB is 413, whether it says its length or not', async () => {
    const big = JSON.stringify({ query: '{ hello }', variables: { x: 'x'.repeat(1_100_000) } });
    expect((await ask('{ hello }')).status).toBe(200);
    const said = await post(url, big);
    expect([said.status, codeOf(said)]).toEqual([413, 'TOO_LARGE']);
    const stream = new ReadableStream({
      start(controller) {
        for (let at = 0; at < big.length; at += 100_000)
          controller.enqueue(new TextEncoder().encode(big.slice(at, at + 100_000)));
        controller.close();
      },
    });
    const unsaid = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: stream,
      duplex: 'half',
    } as RequestInit);
    expect(unsaid.status).toBe(413);
    expect(
      (await post(url, JSON.stringify({ query: '{ hello }', variables: { x: 'x'.repeat(1_000_000) } })))
        .status,
    ).toBe(200);
  });

  test('variables nested 50,000 deep are refused', async () => {
    for (const value of [
      '['.repeat(50_000) + ']'.repeat(50_000),
      `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`,
    ]) {
      const answer = await post(
        url,
        `{"query":"query ($ids: [ID]) { nodes(ids: $ids) }","variables":{"ids":${value}}}`,
      );
      expect([answer.status, codeOf(answer)]).toEqual([400, 'LIMIT_EXCEEDED']);
    }
  });
});

describe('requests that are no GraphQL', () => {
  test('only JSON is read: forms, which any web page can send, are 415', async () => {
    const before = seen.mutations;
    const form = 'query=mutation{bump}';
    for (const type of [
      'application/x-www-form-urlencoded',
      'text/plain',
      'application/json-patch',
      'application/jsonx',
      '',
    ]) {
      const answer = await post(url, type.includes('form') ? form : '{"query":"mutation{bump}"}', {
        'content-type': type,
      });
      expect([type, answer.status]).toEqual([type, 415]);
    }
    const multipart = new FormData();
    multipart.set('operations', '{"query":"mutation{bump}"}');
    multipart.set('map', '{}');
    expect((await fetch(`${url}/graphql`, { method: 'POST', body: multipart })).status).toBe(415);
    expect(seen.mutations).toBe(before);
    expect((await post(url, '{ hello }', { 'content-type': 'application/graphql' })).body?.data).toEqual({
      hello: 'Hello, you',
    });
    expect(
      (await post(url, { query: '{ hello }' }, { 'content-type': 'application/json; charset=UTF-8' })).status,
    ).toBe(200);
    expect(
      (await post(url, { query: '{ hello }' }, { 'content-type': 'application/json; charset=utf-16' }))
        .status,
    ).toBe(415);
    expect((await post(url, { query: '{ hello }' }, { 'content-encoding': 'gzip' })).status).toBe(415);
  });

  test.for([
    ['no JSON', '{ "query'],
    ['a number', '1'],
    ['null', 'null'],
    ['an empty body', ''],
    ['a batch', '[{"query":"{hello}"}]'],
    ['no query', '{}'],
    ['a query that is a number', '{"query":1}'],
    ['variables that are a list', '{"query":"{hello}","variables":[]}'],
    ['variables that are text', '{"query":"{hello}","variables":"{}"}'],
    ['an operation name that is a number', '{"query":"{hello}","operationName":1}'],
    ['an unknown parameter', '{"query":"{hello}","qeury":"{hello}"}'],
  ] as const)('%s is 400', async ([, body]) => {
    const answer = await post(url, body);
    expect([answer.status, codeOf(answer)]).toEqual([400, 'BAD_REQUEST']);
  });

  test('invalid UTF-8 is 400', async () => {
    const body = Buffer.concat([
      Buffer.from('{"query":"{hello(name:\\"'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('\\")}"}'),
    ]);
    expect(
      (
        await fetch(`${url}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body,
        })
      ).status,
    ).toBe(400);
  });

  test.for([
    '?variables=x',
    '?query={hello}&variables=x',
    '?query={hello}&variables=[1]',
    '?query={hello}&extensions=x',
    '?query=%',
    '?',
    '?query=%00',
    '?query={hello}&operationName=x',
  ])('GET /graphql%s is 4xx or a GraphQL error, never 500', async (search) => {
    const answer = await get(`${url}/graphql${search}`);
    expect(answer.status).toBeLessThan(500);
    expect(answer.body?.errors?.length).toBeGreaterThan(0);
    expect(answer.text).not.toContain('    at ');
  });

  test('a Host header that names no host is 400 without a stack trace', async () => {
    for (const host of ['[::::]', 'a b', 'x/y', 'http://x', '<script>', 'x:99999', '']) {
      const said = await raw(
        url,
        `GET /graphql?query={hello} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
      );
      expect([host, said.split('\r\n')[0]]).toEqual([host, 'HTTP/1.1 400 Bad Request']);
      expect(said).not.toMatch(/ at |node:|\.ts/);
    }
    for (const host of ['localhost', '127.0.0.1:4000', '[::1]:80', 'a.example.com']) {
      expect(
        await raw(url, `GET /health/live HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`),
      ).toContain('200 OK');
    }
  });

  test.for([
    ['no HTTP', 'hello\r\n\r\n'],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n'],
    ['a bad length', 'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n'],
    ['two lengths', 'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc'],
    [
      'length and chunks',
      'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc',
    ],
    ['a header with NUL', 'GET / HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n'],
  ] as const)('%s is 400', async ([, bytes]) => {
    expect((await raw(url, bytes)).split('\r\n')[0]).toBe('HTTP/1.1 400 Bad Request');
  });

  test('headers of 100 KB are 431', async () => {
    expect(await raw(url, `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`)).toContain('431');
  });

  test('a client that goes away while it sends leaves nothing behind', async () => {
    const gone = request(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': 1_000 },
    });
    gone.on('error', () => {});
    gone.write('{"query":');
    await new Promise((resolve) => setTimeout(resolve, 50));
    gone.destroy();
    expect((await ask('{ hello }')).status).toBe(200);
  });
});

describe('metrics', () => {
  test('count requests by route and status, operations by type and outcome, and tell the state of the log', async () => {
    await ask('{ hello }');
    await ask('{ bug }');
    const { text } = await get(`${url}/metrics`);
    for (const line of [
      /^frontdesk_http_requests_total\{route="\/graphql",status="200"\} \d+$/m,
      /^frontdesk_http_requests_total\{route="other",status="404"\} \d+$/m,
      /^frontdesk_http_request_duration_seconds_bucket\{le="0.1",route="\/graphql"\} \d+$/m,
      /^frontdesk_graphql_operations_total\{type="query",outcome="ok"\} \d+$/m,
      /^frontdesk_graphql_operations_total\{type="query",outcome="internal"\} \d+$/m,
      /^frontdesk_event_outbox_rows 0$/m,
      /^frontdesk_event_outbox_stranded_rows 0$/m,
      /^frontdesk_event_lag_seconds 0$/m,
      /^frontdesk_bus_ok 1$/m,
      /^frontdesk_live_sockets 0$/m,
      /^frontdesk_live_subscriptions 0$/m,
      /^frontdesk_database_connections\{state="\w+"\} \d+$/m,
      /^process_resident_memory_bytes \d+$/m,
    ]) {
      expect(text).toMatch(line);
    }
  });

  test('names of routes come from us, so that a scanner cannot fill them', async () => {
    for (let n = 0; n < 20; n++) await get(`${url}/scan/${n}`);
    expect((await get(`${url}/metrics`)).text).not.toContain('scan');
  });
});
