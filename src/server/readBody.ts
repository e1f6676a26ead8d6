import type { IncomingMessage } from 'node:http';

export interface Body {
  bytes: Buffer;
  outcome: 'whole' | 'tooLarge' | 'tooSlow';
}

const timeoutMs = 20_000;

/** Reads a request's body up to a number of bytes. Rejects when the client goes away. */
export function readBody(req: IncomingMessage, maxBytes: number): Promise<Body> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const done = (outcome: Body['outcome']) => {
      clearTimeout(timer);
      req.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onError);
      resolve({ bytes: outcome === 'whole' ? Buffer.concat(chunks) : Buffer.alloc(0), outcome });
    };
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) done('tooLarge');
      else chunks.push(chunk);
    };
    const onEnd = () => done('whole');
    const onError = (error: Error) => {
      clearTimeout(timer);
      reject(error);
    };
    const onClose = () => onError(new ClientGone());
    const timer = setTimeout(() => done('tooSlow'), timeoutMs);

    if (Number(req.headers['content-length']) > maxBytes) return done('tooLarge');
    req.on('data', onData).once('end', onEnd).once('close', onClose).once('error', onError);
  });
}

/** The connection broke before the request was whole: there is nobody to answer. */
export class ClientGone extends Error {
  override name = 'ClientGone';
}
