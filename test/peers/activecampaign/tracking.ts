import type { PeerAnswer, PeerRequest } from '../httpPeer.ts';
import type { Account } from './account.ts';
import { startAutomation } from './automations.ts';
import { contactByEmail } from './contact.ts';
import { badRequest, invalid } from './refuse.ts';
import { asText, bodyOf, page, type Routes } from './routes.ts';

/** Event names are registered, and the whole is switched on, through the API; events go to another host. */
export const tracking: Routes = {
  'GET /eventTracking': (account) => ({ status: 200, body: { eventTracking: { enabled: isOn(account) } } }),
  'PUT /eventTracking': (account, request) => {
    const { enabled } = bodyOf(request, 'eventTracking');
    if (typeof enabled !== 'boolean') throw badRequest();
    account.switches.put({ id: 'eventTracking', enabled });
    return { status: 200, body: { eventTracking: { enabled } } };
  },
  'GET /eventTrackingEvents': (account, { query }) =>
    page('eventTrackingEvents', account.eventNames.all(), query, ({ name }) => ({ name })),
  'POST /eventTrackingEvents': (account, request) => {
    const name = asText(bodyOf(request, 'eventTrackingEvent').name);
    if (!name) throw badRequest();
    if (account.eventNames.by('name', name).length > 0)
      throw invalid('duplicate', 'There is already an event with this name', 'name');
    account.eventNames.add({ name });
    return { status: 201, body: { eventTrackingEvent: { name } } };
  },
  'DELETE /eventTrackingEvents/:name': (account, { params }) => {
    const [row] = account.eventNames.by('name', params.name!);
    if (!row) throw badRequest();
    account.eventNames.remove(row.id);
    return { status: 200, body: {} };
  },
};

/** `POST /event`, form-encoded. A failure is `success: 0` with HTTP 200: only the body tells. */
export function trackEvent(account: Account, actid: string, key: string, request: PeerRequest): PeerAnswer {
  if (request.url.pathname !== '/event' || request.method !== 'POST') return { status: 404 };
  const failed = (message: string) => ({ status: 200, body: { success: 0, message } });
  const type = request.headers['content-type'] ?? '';
  const form = new URLSearchParams(type.startsWith('application/x-www-form-urlencoded') ? request.body : '');
  const event = form.get('event') ?? '';
  if (form.get('actid') !== actid || form.get('key') !== key) return failed('Invalid actid or key');
  if (!isOn(account)) return failed('Event tracking is not enabled');
  if (event.length === 0 || event.length > 32) return failed('Event names have 1 to 32 characters');
  if (account.eventNames.by('name', event).length === 0) return failed(`Event ${event} is not known`);
  const email = emailOf(form.get('visit') ?? '');
  if (!email) return failed('No email in visit');

  account.trackedEvents.add({ event, eventdata: form.get('eventdata') ?? '', email, at: Date.now() });
  const contact = contactByEmail(account, email);
  for (const automation of account.automations.all())
    if (contact && automation.startsOnEvent === event) startAutomation(account, contact, automation, 'event');
  return { status: 200, body: { success: 1, message: 'Event spawned' } };
}

function isOn({ switches }: Account): boolean {
  return switches.get('eventTracking')?.enabled ?? false;
}

function emailOf(visit: string): string | undefined {
  try {
    return asText((JSON.parse(visit) as { email?: unknown }).email) || undefined;
  } catch {
    return undefined;
  }
}
