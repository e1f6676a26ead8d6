import type { Gateway } from '../api/gateway.ts';
import { graphql } from '../api/graphql.ts';
import { oneByOne, type Stream, stream } from '../api/live.ts';
import type {
  LeadScoresSubscription,
  LeadScoresSubscriptionVariables,
  LeadsQuery,
} from '../generated/graphql.ts';

const kept = 100;

export interface Lead extends Row {
  /** The latest change since the page was opened. */
  change?: { previousScore: number; score: number; reason: string; at: string; missed: boolean };
}
type Row = LeadsQuery['customers']['nodes'][number];

const warmest = graphql(`
  query Leads {
    customers(first: 100, orderBy: { field: LEAD_SCORE, direction: DESC }) {
      nodes { id fullName email phone leadScore { score grade } }
    }
  }
`);

const scoreChanged = graphql(`
  subscription LeadScores($after: String) {
    leadScoreChanged(after: $after) {
      cursor
      customer { id fullName email phone }
      previousScore score previousGrade grade reason
    }
  }
`);
type LeadScoreChanged = LeadScoresSubscription['leadScoreChanged'];

export async function readLeads(gateway: Gateway): Promise<Lead[]> {
  return (await gateway.ask(warmest, {})).customers.nodes;
}

/** Scores as they change. */
export const leadStreams = (): Stream<Lead[]>[] => [
  {
    open(gateway, cursor, sink) {
      const scores = stream<Lead[], LeadScoresSubscription, LeadScoresSubscriptionVariables>(
        scoreChanged,
        {},
        oneByOne((leads, { event, missed }) => {
          const moved = move(leads, event, missed);
          // Behind the last of a full board there may be others who stand higher now.
          const fell = event.score < event.previousScore && moved.at(-1)?.id === event.customer?.id;
          if (fell && moved.length === kept) sink.readAgain();
          return moved;
        }),
      );
      return scores.open(gateway, cursor, sink);
    },
  },
];

/** Where the customer stands now. One who was not on the board comes onto it if the score is high enough. */
function move(leads: Lead[], event: LeadScoreChanged, missed: boolean): Lead[] {
  const { customer, previousScore, score, grade, reason } = event;
  if (!customer) return leads;
  const others = leads.filter(({ id }) => id !== customer.id);
  const change = { previousScore, score, reason, at: new Date().toISOString(), missed };
  return keptOf([...others, { ...customer, leadScore: { score, grade }, change }]);
}

/** By score, and of the same score the newer customer first, as the API orders them. */
const byScore = (a: Lead, b: Lead) => b.leadScore.score - a.leadScore.score || (a.id < b.id ? 1 : -1);

const keptOf = (leads: readonly Lead[]) => leads.toSorted(byScore).slice(0, kept);
