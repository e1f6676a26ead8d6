import { z } from 'zod';
import type { Automations, CampaignStatus, Campaigns } from '../capabilities.ts';
import { anything, api, count, id, listed, textOf } from './api.ts';
import { orNone } from './contacts.ts';
import type { Settings } from './settings.ts';

const run = z.object({ id, automation: id });

export const automations: Automations<Settings> = {
  async all(c, after) {
    const page = await listed(
      c,
      '/automations',
      'automations',
      z.object({ id, name: textOf, status: textOf, entered: count, exited: count }),
      after,
    );
    return {
      next: page.next,
      items: page.items.map(({ status, ...one }) => ({ ...one, active: status === '1' })),
    };
  },
  async start(c, contact, automation) {
    const { contactAutomation } = await api(
      c,
      { method: 'POST', path: '/contactAutomations', json: { contactAutomation: { contact, automation } } },
      z.object({ contactAutomation: run }),
    );
    return { id: contactAutomation.id, automationId: contactAutomation.automation };
  },
  async of(c, contactId) {
    const path = `/contacts/${encodeURIComponent(contactId)}/contactAutomations`;
    const { contactAutomations } = await api(
      c,
      { method: 'GET', path },
      z.object({ contactAutomations: z.array(run) }),
    );
    return contactAutomations.map(({ id, automation }) => ({ id, automationId: automation }));
  },
  async stop(c, runId) {
    await orNone(api(c, { method: 'DELETE', path: `/contactAutomations/${runId}` }, anything));
  },
};

const campaign = z.object({
  ...{ id, name: textOf, status: count, sdate: textOf, send_amt: count, unsubscribes: count },
  ...{ opens: count, uniqueopens: count, linkclicks: count, uniquelinkclicks: count },
  ...{ hardbounces: count, softbounces: count },
});

/** By their number. */
const statuses: CampaignStatus[] = ['DRAFT', 'SCHEDULED', 'SENDING', 'PAUSED', 'STOPPED', 'COMPLETED'];

export const campaigns: Campaigns<Settings> = {
  async all(c, after) {
    const page = await listed(c, '/campaigns', 'campaigns', campaign, after, { 'orders[sdate]': 'DESC' });
    return { next: page.next, items: page.items.map(remote) };
  },
};

function remote(one: z.output<typeof campaign>) {
  const { id, name, sdate, hardbounces, softbounces } = one;
  const sentAt = new Date(sdate);
  return {
    ...{ id, name, status: statuses[one.status ?? -1] ?? 'OTHER' },
    sentAt: Number.isNaN(sentAt.getTime()) ? null : sentAt,
    sends: one.send_amt,
    opens: one.opens,
    uniqueOpens: one.uniqueopens,
    linkClicks: one.linkclicks,
    uniqueLinkClicks: one.uniquelinkclicks,
    unsubscribes: one.unsubscribes,
    bounces: hardbounces === null && softbounces === null ? null : (hardbounces ?? 0) + (softbounces ?? 0),
  };
}
