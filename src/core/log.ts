import { type Logger, pino, stdSerializers } from 'pino';
import pretty from 'pino-pretty';

/**
 * The process's log: one JSON object a line on standard output, or readable lines in a terminal. Written
 * synchronously, so that the last words of a dying process are not lost. Never hand it a header or a
 * credential; log who a caller is, not what they sent.
 */
export function createLog(options: { level: string; readable?: boolean }): Logger {
  const readable = options.readable ?? process.stdout.isTTY;
  const serializers = { error: stdSerializers.err, err: stdSerializers.err };
  const settings = {
    level: options.level,
    serializers,
    base: { pid: process.pid },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
  };
  if (!readable) return pino(settings);
  return pino(
    settings,
    pretty({
      sync: true,
      ignore: 'pid',
      translateTime: 'SYS:HH:MM:ss.l',
      errorLikeObjectKeys: ['error', 'err'],
    }),
  );
}
