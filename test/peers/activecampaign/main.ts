// ActiveCampaign to test against, by hand: npm run peer:activecampaign
// PORT (4300; events on the port after it), RATE (calls a second, 5), FAIL (share of calls that fail, 0),
// KEY (the API key that it takes), DATA_DIR (.data; what is there stays there).

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startActiveCampaign } from './startActiveCampaign.ts';

const port = Number(process.env.PORT ?? 4300);
const folder = process.env.DATA_DIR ?? '.data';
const rate = Number(process.env.RATE ?? 5);
const fail = Number(process.env.FAIL ?? 0);
for (const [name, value] of Object.entries({ PORT: port, RATE: rate, FAIL: fail }))
  if (!(value >= 0)) {
    console.error(`${name} is not a number: ${process.env[name]}`);
    process.exit(1);
  }

mkdirSync(folder, { recursive: true });
const file = join(folder, 'activecampaign.jsonl');
const options = {
  ...{ port, trackingPort: port && port + 1, rate, file },
  ...(process.env.KEY && { apiKey: process.env.KEY }),
};
const peer = await startActiveCampaign(options).catch((error: Error) => {
  console.error(`Cannot listen on ports ${port} and ${port + 1}: ${error.message}`);
  process.exit(1);
});
if (fail > 0) peer.failWith({ rate: fail });
if (peer.lists().length + peer.automations().length === 0) {
  peer.addList('Newsletter');
  for (const name of ['Post booking', 'Review request', 'Win back']) peer.addAutomation(name);
}
if (peer.fields().length === 0) {
  peer.addField('Bookings', 'text');
  peer.addField('Birthday', 'date');
}
const named = (all: { id: string; name: string }[]) => all.map(({ id, name }) => `${id} ${name}`).join(', ');

console.log(`An ActiveCampaign to test against is ready.

  URL           ${peer.url}
  API key       ${peer.apiKey}
  Events        ${peer.trackingUrl}   actid ${peer.actid}   event key ${peer.eventKey}
  Lists         ${named(peer.lists())}
  Automations   ${named(peer.automations())}
  Fields        ${named(peer.fields())}
  State         ${file} (delete it to begin anew)

Next:
  1. Open ${peer.url} and keep it open: it shows contacts, tags, lists and the latest calls.
  2. ALLOW_PRIVATE_PEERS=true npm start, and connect the demo business to the URL and key above (docs/integrations.md).
  3. Book something in Frontdesk and see the contact come. Change the contact on the page and see it come back.

It allows ${rate} calls a second (RATE) and fails ${fail * 100} % of them (FAIL). Stop it with Ctrl-C, also in the middle;
KEY=another-one when it starts is a key that was taken back.`);
