import { z } from 'zod';
import type { Bulk } from '../capabilities.ts';
import { OutsideFailure } from '../failure.ts';
import { api, id } from './api.ts';
import type { Settings } from './settings.ts';

const snake: Record<string, string> = { firstName: 'first_name', lastName: 'last_name', phone: 'phone' };

/** Imports start no automation and fire no webhook; nobody who left a list is put back. */
export const bulk: Bulk<Settings> = {
  maxContacts: 250,
  async send(c, contacts) {
    const json = {
      exclude_automations: true,
      contacts: contacts.map(({ email, values, tags, lists }) => {
        const entries = Object.entries(values).filter(([field]) => field !== 'email');
        const fields = entries.filter(([field]) => !snake[field]).map(([id, value]) => ({ id, value }));
        return {
          email,
          ...Object.fromEntries(
            entries.flatMap(([field, value]) => (snake[field] ? [[snake[field], value]] : [])),
          ),
          ...(tags.length > 0 && { tags }),
          ...(fields.length > 0 && { fields }),
          ...(lists.length > 0 && { subscribe: lists.map((listid) => ({ listid })) }),
        };
      }),
    };
    const answer = await api(
      c,
      { method: 'POST', path: '/import/bulk_import', json },
      z.object({ Success: z.number(), batchId: z.string().optional(), message: z.string().optional() }),
    );
    if (!answer.batchId)
      throw new OutsideFailure('REJECTED', `The import was refused: ${answer.message ?? ''}`);
    return answer.batchId;
  },
  async outcome(c, batchId) {
    const answer = await api(
      c,
      { method: 'GET', path: `/import/info?${new URLSearchParams({ batchId })}` },
      z.object({
        status: z.string(),
        success: z.array(id).nullish(),
        failure: z.array(z.string()).nullish(),
      }),
    );
    const { status, success, failure } = answer;
    return { done: status === 'completed', contactIds: success ?? [], refused: failure ?? [] };
  },
};
