import type { IncomingMessage } from 'node:http';
import { type BlockList, isIP } from 'node:net';

/** Where a request comes from: the nearest address on its way that is not one of our own proxies (TRUST_PROXY). */
export function clientAddress(req: IncomingMessage, trusted: BlockList): string {
  const peer = plain(req.socket.remoteAddress);
  const hops = String(req.headers['x-forwarded-for'] ?? '')
    .split(',')
    .map((hop) => plain(hop.trim()))
    .filter((hop) => isIP(hop));
  let address = peer;
  while (hops.length > 0 && isTrusted(address, trusted)) address = hops.pop() as string;
  return address;
}

export function isTrusted(address: string | undefined, trusted: BlockList): boolean {
  const bare = plain(address);
  const family = isIP(bare);
  return family > 0 && trusted.check(bare, family === 4 ? 'ipv4' : 'ipv6');
}

/** An IPv4 address that came over an IPv6 socket is an IPv4 address. */
function plain(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:(?=\d+\.)/i, '');
}
