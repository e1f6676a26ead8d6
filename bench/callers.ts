import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';

/** As many callers as this ask at the same time, each on a connection of its own, and wait for their answers. */
export const connections = 16;

const agent = new Agent({ keepAlive: true, maxSockets: connections });

export interface Ask {
  url: string;
  headers?: Record<string, string>;
  /** What to send; called for each request, so that writes can differ. */
  body: () => string;
  /** What every answer holds. */
  holds?: string;
}

export function send({ url, headers, body, holds = '' }: Ask): Promise<string> {
  return new Promise((resolve, reject) => {
    const text = body();
    const length = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) };
    request(url, { method: 'POST', agent, headers: { ...length, ...headers } }, (res) => {
      let answer = '';
      res.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
      res.on('end', () =>
        res.statusCode === 200 && !answer.includes('"errors"') && answer.includes(holds)
          ? resolve(answer)
          : reject(new Error(`${res.statusCode} ${answer.slice(0, 500)}`)),
      );
    })
      .on('error', reject)
      .end(text);
  });
}

export interface Rate {
  perSecond: number;
  /** Microseconds of processor time that the server's own process took for each request; the database's is not in it. */
  cpu: number;
}

/** Requests per second of all the callers, for so many seconds, and what they cost the process that answers. */
export async function rate(ask: Ask, pid: number, seconds: number): Promise<Rate> {
  const [before, began] = [processorTime(pid), performance.now()];
  const end = began + seconds * 1_000;
  let count = 0;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      for (; performance.now() < end; count++) await send(ask);
    }),
  );
  const elapsed = (performance.now() - began) / 1_000;
  return { perSecond: count / elapsed, cpu: (processorTime(pid) - before) / count };
}

/** Microseconds that a process has computed so far, in user and kernel mode; Linux counts them in hundredths of a second. */
export function processorTime(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * 10_000;
  } catch {
    return Number.NaN; // not Linux
  }
}
