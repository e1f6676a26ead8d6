import type { Writable } from 'node:stream';

/** Once the stream has less than this to write; false when it is closed before, or takes longer. */
export function drained(stream: Writable, bytes: number, withinMs: number): Promise<boolean> {
  if (stream.destroyed) return Promise.resolve(false);
  if (stream.writableLength < bytes || !stream.writableNeedDrain) return Promise.resolve(true);
  return new Promise((resolve) => {
    const settle = (outcome: boolean) => {
      clearTimeout(timer);
      stream.off('drain', onDrain);
      stream.off('close', onClose);
      resolve(outcome);
    };
    const onDrain = () => settle(true);
    const onClose = () => settle(false);
    const timer = setTimeout(onClose, withinMs);
    stream.once('drain', onDrain);
    stream.once('close', onClose);
  });
}
