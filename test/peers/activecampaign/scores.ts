import type { Account, Score, ScoreValue } from './account.ts';
import { links, page, type Routes } from './routes.ts';
import { wireDate } from './wireDate.ts';

/** Read only: a score of ours can only be pushed as a custom field. */
export const scores: Routes = {
  'GET /scores': (account, { query }) => page('scores', account.scores.all(), query, shownScore),
};

function shownScore({ id, cdate, ...score }: Score) {
  return {
    reltype: 'contact',
    ...score,
    status: '1',
    cdate: wireDate(cdate),
    mdate: wireDate(cdate),
    links: [],
    id,
  };
}

export function shownScoreValue(account: Account, { id, cdate, mdate, ...row }: ScoreValue) {
  return {
    ...row,
    deal: null,
    cdate: wireDate(cdate),
    mdate: wireDate(mdate),
    links: links(account, 'scoreValues', id, ['score', 'contact', 'deal']),
    id,
  };
}
