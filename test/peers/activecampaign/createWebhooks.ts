import { type Random, seeded } from '../../support/random.ts';
import type { Account, Contact, Delivering, Delivery, Source, Webhook, Webhooks } from './account.ts';
import { wireDate } from './wireDate.ts';

/** Only these happen on a list; the setting has no effect on others. */
const onLists = ['subscribe', 'unsubscribe', 'update'];

/** Tells those who asked: form-encoded, unsigned, in any order, and never a second time when it failed. */
export function createWebhooks(account: () => Account): Webhooks {
  let random: Random = seeded(1);
  let how: Required<Omit<Delivering, 'seed'>> = { withinMs: 50, twice: 0, never: 0 };
  const deliveries: Delivery[] = [];
  const waiting = new Map<NodeJS.Timeout, () => void>();
  const underWay = new Set<Promise<void>>();

  async function post(hook: Webhook, delivery: Delivery): Promise<void> {
    try {
      const url = new URL(hook.url);
      const headers: Record<string, string> = { 'content-type': 'application/x-www-form-urlencoded' };
      if (url.username) {
        headers.authorization = `Basic ${Buffer.from(`${url.username}:${url.password}`).toString('base64')}`;
        url.username = '';
        url.password = '';
      }
      const signal = AbortSignal.timeout(10_000);
      const answer = await fetch(url, {
        method: 'POST',
        headers,
        body: delivery.body,
        redirect: 'manual',
        signal,
      });
      delivery.status = answer.status;
      await answer.arrayBuffer();
      const still = account().hooks.get(hook.id);
      if (answer.status === 410 && still) account().hooks.put({ ...still, active: false });
    } catch {
      // never again, and nobody is told
    }
  }

  function deliver(hook: Webhook, type: string, body: string): void {
    const delivery: Delivery = { hook: hook.id, url: hook.url, type, body, status: null };
    deliveries.push(delivery);
    const done = new Promise<void>((end) => {
      const timer = setTimeout(() => {
        waiting.delete(timer);
        void post(hook, delivery).then(end);
      }, random.next() * how.withinMs);
      waiting.set(timer, end);
    });
    underWay.add(done);
    void done.then(() => underWay.delete(done));
  }

  return {
    fire(event, contact, source, more = {}) {
      let body: string | undefined;
      for (const hook of account().hooks.all()) {
        if (!hook.active || !hook.events.includes(event) || !hook.sources.includes(source)) continue;
        if (hook.listid !== '0' && onLists.includes(event) && !isOn(account(), hook.listid, contact, more))
          continue;
        if (random.chance(how.never)) continue;
        body ??= form(account(), event, contact, source, more, random);
        deliver(hook, event, body);
        if (random.chance(how.twice)) deliver(hook, event, body);
      }
    },
    deliverWith({ withinMs = 50, twice = 0, never = 0, seed = 1 }) {
      random = seeded(seed);
      how = { withinMs, twice, never };
    },
    deliveries: () => [...deliveries],
    async delivered() {
      await Promise.all(underWay);
    },
    drop() {
      for (const [timer, end] of waiting) {
        clearTimeout(timer);
        end();
      }
      waiting.clear();
    },
  };
}

/** PHP brackets. `contact[fields]` says not which field is which, and their order changes: it is of no use. */
function form(
  account: Account,
  type: string,
  contact: Contact | undefined,
  source: Source,
  more: Record<string, string>,
  random: Random,
): string {
  const body = new URLSearchParams({
    type,
    date_time: wireDate(Date.now()),
    initiated_from: source,
    initiated_by: source,
    list: '0',
  });
  if (contact) {
    const tags = account.contactTags.by('contact', contact.id).map(({ tag }) => account.tags.get(tag)!.tag);
    const values = account.fieldValues
      .by('contact', contact.id)
      .map(({ value }) => ({ value, at: random.next() }));
    body.set('contact[id]', contact.id);
    body.set('contact[email]', contact.email);
    body.set('contact[first_name]', contact.firstName);
    body.set('contact[last_name]', contact.lastName);
    body.set('contact[phone]', contact.phone);
    body.set('contact[tags]', tags.join(', '));
    body.set('contact[ip]', '0.0.0.0');
    body.set('contact[orgname]', '');
    body.set('contact[customer_acct_name]', '');
    for (const { value } of values.sort((a, b) => a.at - b.at)) body.append('contact[fields][]', value);
  }
  for (const [key, value] of Object.entries(more)) body.set(key, value);
  if ('list[id]' in more) body.delete('list'); // the list itself, in place of its id
  return body.toString();
}

function isOn(
  account: Account,
  list: string,
  contact: Contact | undefined,
  more: Record<string, string>,
): boolean {
  if (more.list) return more.list === list;
  return (
    contact !== undefined && account.contactLists.by('contact', contact.id).some((row) => row.list === list)
  );
}
