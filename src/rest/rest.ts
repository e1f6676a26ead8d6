import type { Context } from '../core/context.ts';

/** One call of the REST interface, whatever it came in over. */
export interface RestRequest {
  /** Of a header, in lower case. */
  header(name: string): string | undefined;
  /** Of the path, by the names in the pattern. */
  params: Readonly<Record<string, string>>;
  body: AsyncIterable<Uint8Array>;
}

export interface RestAnswer {
  status: number;
  headers?: Record<string, string>;
  /** An object is answered as JSON, a stream as it comes, with the content type from the headers. */
  body?: object | AsyncIterable<string | Uint8Array>;
}

export interface RestRoute {
  method: 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'DELETE';
  /** Behind `/rest/v1`; `:name` stands for one segment. */
  path: string;
  run(ctx: Context, request: RestRequest): Promise<RestAnswer>;
}
