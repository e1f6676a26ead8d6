import type { Account, Webhook } from './account.ts';
import { invalid, noResult } from './refuse.ts';
import { type ApiRequest, asText, bodyOf, page, type Routes } from './routes.ts';
import { wireDate } from './wireDate.ts';

const events = `bounce click contact_tag_added contact_tag_removed deal_add deal_note_add deal_pipeline_add
  deal_stage_add deal_task_add deal_task_complete deal_tasktype_add deal_update forward list_add open reply sent share
  sms_reply sms_sent sms_unsub subscribe subscriber_note unsubscribe update`.split(/\s+/);
const sources = ['public', 'admin', 'api', 'system'];

export const webhooks: Routes = {
  'GET /webhooks': (account, { query }) => {
    const wanted = (['name', 'url', 'listid'] as const).map(
      (key) => [key, query.get(`filters[${key}]`)] as const,
    );
    const some = account.hooks
      .all()
      .filter((hook) => wanted.every(([key, value]) => !value || hook[key] === value));
    return page('webhooks', some, query, shownWebhook);
  },
  'POST /webhooks': (account, request) => {
    const hook = account.hooks.add({ ...read(request), active: true, cdate: Date.now() });
    return { status: 201, body: { webhook: shownWebhook(hook) } };
  },
  'GET /webhooks/:id': (account, { params }) => ({
    status: 200,
    body: { webhook: shownWebhook(known(account, params.id!)) },
  }),
  'PUT /webhooks/:id': (account, request) => {
    const old = known(account, request.params.id!);
    const hook = account.hooks.put({ ...old, ...read(request, old), active: true });
    return { status: 200, body: { webhook: shownWebhook(hook) } };
  },
  'DELETE /webhooks/:id': (account, { params }) => {
    account.hooks.remove(known(account, params.id!).id);
    return { status: 200, body: {} };
  },
  // `meta.total` is a number, for once.
  'GET /webhook/events': () => ({
    status: 200,
    body: { webhookEvents: events, meta: { total: events.length } },
  }),
};

function read(request: ApiRequest, old?: Webhook) {
  const body: Record<string, unknown> = { ...old, ...bodyOf(request, 'webhook') };
  const words = (name: string, allowed: string[]) => {
    const value = body[name];
    if (!Array.isArray(value) || value.length === 0)
      throw invalid('field_missing', `${name} is required`, name);
    for (const word of value)
      if (!allowed.includes(word)) throw invalid('field_invalid', `${word} is not one of the ${name}`, name);
    return value as string[];
  };
  for (const name of ['name', 'url'])
    if (!asText(body[name])) throw invalid('field_missing', `${name} is required`, name);
  const url = asText(body.url);
  // Over https it can only reach port 443; over http, any.
  if (
    !URL.canParse(url) ||
    !/^https?:$/.test(new URL(url).protocol) ||
    (url.startsWith('https:') && new URL(url).port)
  )
    throw invalid('field_invalid', 'The url cannot be reached', 'url');
  return {
    name: asText(body.name),
    url,
    events: words('events', events),
    sources: words('sources', sources),
    listid: asText(body.listid) || '0',
  };
}

function known(account: Account, id: string): Webhook {
  const hook = account.hooks.get(id);
  if (!hook) throw noResult('Webhook', id);
  return hook;
}

function shownWebhook({ id, cdate, active, ...hook }: Webhook) {
  return { cdate: wireDate(cdate), ...hook, links: [], id };
}
