import { lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { OutsideFailure } from './failure.ts';

const refused = new BlockList();
/** Loopback, private, link-local with the clouds' metadata, shared, multicast, reserved, documentation. */
const ipv4 =
  '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4';
/** The same, and forms that carry an IPv4 address inside: compatible, NAT64, Teredo, 6to4. Mapped ones are checked as IPv4. */
const ipv6 =
  '::/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16 3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8';
for (const range of ipv4.split(' ')) refused.addSubnet(...parts(range), 'ipv4');
for (const range of ipv6.split(' ')) refused.addSubnet(...parts(range), 'ipv6');

function parts(range: string): [string, number] {
  const [address = '', bits] = range.split('/');
  return [address, Number(bits)];
}

/** Whether an address is one on the public internet. */
export function isPublic(address: string): boolean {
  const plain = address.split('%')[0] as string;
  const family = isIP(plain);
  return family !== 0 && !refused.check(plain, family === 4 ? 'ipv4' : 'ipv6');
}

/** Whoever meets the refusal with a system of their own is told what to do. */
export const forTests =
  'To try out a system on your own machine, start Frontdesk with ALLOW_PRIVATE_PEERS=true.';

export const notPublic = (host: string) =>
  new OutsideFailure('REJECTED', `${host} is not an address on the public internet. ${forTests}`);

/**
 * Looks a name up for a connection that is about to be made, and passes on public addresses alone. The socket connects to
 * what is answered here, so a name that changes afterwards changes nothing.
 */
export const lookupPublic: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, found) => {
    if (error) return callback(error, '', 4);
    const allowed = found.filter(({ address }) => isPublic(address));
    const first = allowed[0];
    if (!first) return callback(notPublic(hostname), '', 4);
    if (options.all) return callback(null, allowed);
    callback(null, first.address, first.family);
  });
};
