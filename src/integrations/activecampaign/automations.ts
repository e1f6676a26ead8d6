import { z } from 'zod';
import type { Automations, Campaigns } from '../capabilities.ts';
import { anything, api, id, listed, textOf } from './api.ts';
import { orNone } from './contacts.ts';
import type { Settings } from './settings.ts';

const run = z.object({ id, automation: id });

export const automations: Automations<Settings> = {
  async all(c, after) {
    const page = await listed(
      c,
      '/automations',
      'automations',
      z.object({ id, name: textOf, status: textOf }),
      after,
    );
    return {
      next: page.next,
      items: page.items.map(({ id, name, status }) => ({ id, name, active: status === '1' })),
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

const campaign = z.object({ id, name: textOf, status: textOf, sdate: textOf });

export const campaigns: Campaigns<Settings> = {
  async all(c, after) {
    const page = await listed(c, '/campaigns', 'campaigns', campaign, after);
    return {
      next: page.next,
      items: page.items.map(({ id, name, status, sdate }) => ({ id, name, status, sentAt: sdate || null })),
    };
  },
};
