import { z } from 'zod';
import type { ChangeHooks } from '../capabilities.ts';
import { anything, api, id } from './api.ts';
import { orNone } from './contacts.ts';
import type { Settings } from './settings.ts';

/** Not `api`: what we did there ourselves is no news. */
const sources = ['public', 'admin', 'system'];
const events = ['subscribe', 'unsubscribe', 'update', 'contact_tag_added', 'contact_tag_removed'];

export const changeHooks: ChangeHooks<Settings> = {
  // They are not signed: the secret in the path is all there is, and it has been checked.
  verify: () => true,
  parse({ header, body }) {
    if (!header('content-type')?.startsWith('application/x-www-form-urlencoded')) return [];
    const form = new URLSearchParams(body.toString('utf8'));
    const contactId = form.get('contact[id]');
    const type = form.get('type') ?? '';
    if (!contactId || !/^\d{1,20}$/.test(contactId)) return [];
    return [{ contactId, tags: type.startsWith('contact_tag_'), left: type === 'unsubscribe' }];
  },
  async register(c, url) {
    const json = { webhook: { name: 'Frontdesk', url, events, sources } };
    const answer = await api(
      c,
      { method: 'POST', path: '/webhooks', json },
      z.object({ webhook: z.object({ id }) }),
    );
    return answer.webhook.id;
  },
  async unregister(c, hookId) {
    await orNone(api(c, { method: 'DELETE', path: `/webhooks/${encodeURIComponent(hookId)}` }, anything));
  },
};
