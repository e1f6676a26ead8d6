import { z } from 'zod';
import type { Adapter } from '../adapter.ts';
import { api } from './api.ts';
import { automations, campaigns } from './automations.ts';
import { bulk } from './bulk.ts';
import { changeHooks } from './changeHooks.ts';
import { contacts } from './contacts.ts';
import { lists } from './lists.ts';
import { type Settings, settings } from './settings.ts';
import { tags } from './tags.ts';
import { tracking } from './tracking.ts';

/** Five calls a second and account; a little slower, so that no second ever has six. */
const spacingMs = 210;

/** ActiveCampaign, API v3. */
export const activecampaign: Adapter<Settings> = {
  key: 'activecampaign',
  name: 'ActiveCampaign',
  settings,
  secrets: ['apiKey', 'trackingKey'],
  spacingMs: (of) => of.spacingMs ?? spacingMs,
  async check(c) {
    const user = z.object({ user: z.object({ username: z.string() }) });
    await api(c, { method: 'GET', path: '/users/me' }, user);
    const { host } = new URL(c.settings.apiUrl);
    return { id: `activecampaign ${host}`, name: host };
  },
  can: { contacts, tags, lists, automations, tracking, campaigns, changeHooks, bulk },
};
