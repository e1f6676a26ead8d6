import '../parts/card.css';
import './Leads.css';
import { Button, SegmentedControl } from '@mantine/core';
import { IconArrowDown, IconArrowUp, IconFlame } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useSession } from '../api/session.tsx';
import { useLive } from '../api/useLive.ts';
import type { LeadGrade } from '../generated/graphql.ts';
import { Ago } from '../parts/Ago.tsx';
import { arrowKeys } from '../parts/arrowKeys.ts';
import { Badge } from '../parts/Badge.tsx';
import { ListState } from '../parts/ListState.tsx';
import { Rolling } from '../parts/Rolling.tsx';
import { gradeWords, initialsOf, nameOf } from '../parts/words.ts';
import { PageHead } from '../shell/PageHead.tsx';
import { type Lead, leadStreams, readLeads } from './leadBoard.ts';

const rowHeight = 57;
const grades: LeadGrade[] = ['QUALIFIED', 'HOT', 'WARM', 'COLD'];

/** Who is warmest, at the top; when a score changes, its row walks to its new place. */
export function Leads() {
  const { may } = useSession();
  if (may('INSIGHTS_READ')) return <Board />;
  return (
    <>
      <PageHead title="Leads" />
      <section className="card">
        <div className="state">
          <strong>This key may not see lead scores</strong>
          <p>They are for those who may see what the business thinks of its customers.</p>
        </div>
      </section>
    </>
  );
}

function Board() {
  const [grade, setGrade] = useState<LeadGrade | 'ALL'>('ALL');
  const live = useLive<Lead[]>('leads', readLeads, leadStreams);
  const of = (leads: Lead[]) => leads.filter((lead) => grade === 'ALL' || lead.leadScore.grade === grade);
  return (
    <>
      <PageHead title="Leads" sub="The hundred warmest, by lead score">
        <SegmentedControl
          aria-label="Which leads"
          size="xs"
          value={grade}
          onChange={(value) => setGrade(value as LeadGrade | 'ALL')}
          data={[
            { value: 'ALL', label: 'All' },
            ...grades.map((value) => ({ value, label: gradeWords[value].label })),
          ]}
        />
      </PageHead>
      <section className="card" aria-label="Leads by score">
        {live.data && live.data.length > 0 && live.data.every((lead) => lead.leadScore.score === 0) && (
          <p className="aside" role="note">
            Nobody has a score yet. Until then the newest customers come first.
          </p>
        )}
        <ListState
          live={live}
          what="the leads"
          skeleton={{ rows: 10, height: rowHeight }}
          isEmpty={(leads) => of(leads).length === 0}
          empty={
            <>
              <IconFlame aria-hidden size={28} stroke={1.5} />
              <strong>
                {grade === 'ALL'
                  ? 'No leads yet'
                  : `Nobody is ${gradeWords[grade].label.toLowerCase()} at present`}
              </strong>
              <p>Customers appear here by their score, which rises with what they do.</p>
              {grade !== 'ALL' && (
                <Button variant="default" onClick={() => setGrade('ALL')}>
                  Show all
                </Button>
              )}
            </>
          }
        >
          {(leads) => (
            <Rows leads={of(leads)} best={Math.max(1, ...leads.map((lead) => lead.leadScore.score))} />
          )}
        </ListState>
      </section>
    </>
  );
}

function Rows({ leads, best }: { leads: Lead[]; best: number }) {
  const ranks = new Map(leads.map(({ id }, at) => [id, at]));
  // In an order of their own in the document: a row that moves is moved by its place alone, so that it can glide there.
  const settled = leads.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys go to the links within
    <div onKeyDown={(event) => arrowKeys(event)}>
      <div className="board-head" aria-hidden>
        <span className="number">#</span>
        <span>Customer</span>
        <span className="latest">Latest change</span>
        <span>Grade</span>
        <span className="number">Score</span>
      </div>
      <ul
        aria-owns={leads.map(({ id }) => `lead-${id}`).join(' ')}
        className="board"
        style={{ height: leads.length * rowHeight }}
      >
        {settled.map((lead) => {
          const at = ranks.get(lead.id) ?? 0;
          return <Row key={lead.id} lead={lead} at={at} of={leads.length} best={best} />;
        })}
      </ul>
    </div>
  );
}

function Row({ lead, at, of, best }: { lead: Lead; at: number; of: number; best: number }) {
  const { id, leadScore, change } = lead;
  const { label, tone } = gradeWords[leadScore.grade];
  const by = change ? change.score - change.previousScore : 0;
  return (
    <li
      id={`lead-${id}`}
      aria-setsize={of}
      aria-posinset={at + 1}
      className="board-row"
      data-lead={id}
      data-rank={at + 1}
      data-moved={by > 0 ? 'up' : by < 0 ? 'down' : undefined}
      style={{ transform: `translateY(${at * rowHeight}px)`, height: rowHeight }}
    >
      <span className="number muted">{at + 1}</span>
      <span className="who">
        <span className="avatar" aria-hidden>
          {initialsOf(nameOf(lead))}
        </span>
        <span className="two-lines">
          <Link
            to="/customers/$id"
            params={{ id }}
            data-row={at}
            tabIndex={at === 0 ? 0 : -1}
            className="row-link"
          >
            {nameOf(lead)}
          </Link>
          <span className="muted">{lead.email ?? lead.phone ?? ''}</span>
        </span>
      </span>
      <span className="latest">
        {change ? (
          <>
            <span className="delta" data-sign={by < 0 ? 'less' : 'more'}>
              {by < 0 ? <IconArrowDown size={14} aria-hidden /> : <IconArrowUp size={14} aria-hidden />}
              {Math.abs(by)}
              <span className="unseen">{by < 0 ? ' less' : ' more'}</span>
            </span>
            <span className="clip muted" title={change.reason}>
              {change.reason} · <Ago at={change.at} />
            </span>
            {change.missed && <span className="missed">while offline</span>}
          </>
        ) : (
          <span className="muted">–</span>
        )}
      </span>
      <Badge tone={tone}>{label}</Badge>
      <span className="score">
        <span className="bar" aria-hidden>
          <i
            style={{ width: `${Math.max(0, Math.min(100, (leadScore.score / best) * 100))}%` }}
            data-tone={tone}
          />
        </span>
        <strong className="number">
          <Rolling value={leadScore.score} />
        </strong>
      </span>
    </li>
  );
}
