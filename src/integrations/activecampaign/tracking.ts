import { z } from 'zod';
import type { Page, Tracking } from '../capabilities.ts';
import { OutsideFailure } from '../failure.ts';
import { anything, api, listed } from './api.ts';
import type { Settings } from './settings.ts';

/** Events go to a host of their own, as a form, with a key of their own; names are registered with the API first. */
export const tracking: Tracking<Settings> = {
  maxName: 32,
  async register(c, name) {
    if (c.known.has(`event ${name}`)) return;
    if (!c.known.has('event tracking')) {
      await api(
        c,
        { method: 'PUT', path: '/eventTracking', json: { eventTracking: { enabled: true } } },
        anything,
      );
      c.known.set('event tracking', 'on');
    }
    for (let after: string | null = null; ; ) {
      const page: Page<{ name: string }> = await listed(
        c,
        '/eventTrackingEvents',
        'eventTrackingEvents',
        z.object({ name: z.string() }),
        after,
      );
      for (const one of page.items) c.known.set(`event ${one.name}`, one.name);
      after = page.next;
      if (!after) break;
    }
    if (c.known.has(`event ${name}`)) return;
    try {
      await api(
        c,
        { method: 'POST', path: '/eventTrackingEvents', json: { eventTrackingEvent: { name } } },
        anything,
      );
    } catch (error) {
      // Somebody else registered it meanwhile.
      if (!(error instanceof OutsideFailure && error.status === 422)) throw error;
    }
    c.known.set(`event ${name}`, name);
  },
  async send(c, { name, email, data }) {
    const { trackingAccountId = '', trackingKey = '', trackingUrl } = c.settings;
    const answer = await c.call(
      {
        method: 'POST',
        url: trackingUrl,
        form: {
          actid: trackingAccountId,
          key: trackingKey,
          event: name,
          eventdata: data,
          visit: JSON.stringify({ email }),
        },
      },
      z.object({ success: z.union([z.number(), z.string(), z.boolean()]), message: z.string().optional() }),
    );
    // A failure is 200 all the same.
    if (Number(answer.success) === 1) return;
    const message = answer.message ?? 'no reason given';
    if (/actid|key/i.test(message))
      throw new OutsideFailure('REJECTED', 'Event tracking refuses trackingAccountId and trackingKey.');
    // What was known of it is not true any more.
    c.known.delete('event tracking');
    c.known.delete(`event ${name}`);
    throw new OutsideFailure('UNEXPECTED', `Event tracking did not take the event: ${message}`);
  },
};
