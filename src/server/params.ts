import type { IncomingMessage } from 'node:http';
import { GraphQLError } from 'graphql';
import { checkNesting } from './limits.ts';
import { type Body, readBody } from './readBody.ts';

/** A GraphQL request, whatever it came in. */
export interface Params {
  query: string;
  operationName?: string | null;
  variables?: Record<string, unknown> | null;
  extensions?: Record<string, unknown> | null;
}

export const maxBody = 1_048_576;

/** These cannot be sent across origins without the browser asking first; forms and plain text can. */
const contentTypes = [
  'application/json',
  'application/graphql+json',
  'application/graphql-response+json',
  'application/graphql',
];
const known = new Set(['query', 'operationName', 'variables', 'extensions']);

/** Reads the parameters of a GET or POST. Throws a GraphQLError with its HTTP status in the extensions. */
export async function readParams(req: IncomingMessage): Promise<Params> {
  if (req.method === 'GET') {
    const search = new URLSearchParams(req.url?.split('?').slice(1).join('?'));
    const json = (name: string) =>
      search.get(name) ? parseJson(search.get(name) as string, `The parameter "${name}"`) : undefined;
    return checkParams({
      query: search.get('query') ?? undefined,
      operationName: search.get('operationName') || undefined,
      variables: json('variables'),
      extensions: json('extensions'),
    });
  }
  if (req.method !== 'POST') throw bad('Send a GET or a POST.', 405, { Allow: 'GET, POST' });
  const [type = '', ...parameters] = (req.headers['content-type'] ?? '')
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  const charset =
    parameters
      .find((one) => one.startsWith('charset='))
      ?.slice(8)
      .replaceAll('"', '') ?? 'utf-8';
  if (!contentTypes.includes(type))
    throw bad(`Send the request as application/json, not as ${type || 'nothing in particular'}.`, 415);
  if (charset !== 'utf-8' && charset !== 'utf8') throw bad('Send the request in UTF-8.', 415);
  if (req.headers['content-encoding'] && req.headers['content-encoding'] !== 'identity')
    throw bad('Send the request uncompressed.', 415);
  const text = decode(await readBody(req, maxBody));
  return checkParams(type === 'application/graphql' ? { query: text } : parseJson(text, 'The body'));
}

/** Checks the shape of parameters that came as JSON. */
export function checkParams(params: unknown): Params {
  if (Array.isArray(params)) throw bad('Send one operation a request: batches are not supported.');
  if (!isObject(params)) throw bad('The request must be a JSON object.');
  for (const [name, value] of Object.entries(params)) {
    if (value !== null && value !== undefined && !known.has(name))
      throw bad(`Unexpected parameter "${name.slice(0, 50)}".`);
  }
  const { query, operationName, variables, extensions } = params;
  if (query === undefined || query === null) throw bad('The parameter "query" is missing.');
  if (typeof query !== 'string') throw bad('The parameter "query" must be a string.');
  if (operationName !== undefined && operationName !== null && typeof operationName !== 'string') {
    throw bad('The parameter "operationName" must be a string.');
  }
  for (const [name, value] of Object.entries({ variables, extensions })) {
    if (value !== undefined && value !== null && !isObject(value))
      throw bad(`The parameter "${name}" must be an object.`);
  }
  checkNesting(variables);
  checkNesting(extensions);
  return params as unknown as Params;
}

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw bad(`${what} is not valid JSON.`);
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true });

function decode({ bytes, outcome }: Body): string {
  if (outcome === 'tooLarge') throw bad(`The body is larger than ${maxBody} bytes.`, 413);
  if (outcome === 'tooSlow') throw bad('The body came too slowly.', 408);
  try {
    return decoder.decode(bytes);
  } catch {
    throw bad('The body is not valid UTF-8.');
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A request that never became GraphQL: the status is the answer, whatever the client accepts. */
function bad(message: string, status = 400, headers?: Record<string, string>): GraphQLError {
  return new GraphQLError(message, {
    extensions: { code: status === 413 ? 'TOO_LARGE' : 'BAD_REQUEST', http: { status, headers } },
  });
}
