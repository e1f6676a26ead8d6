import type { ReactNode } from 'react';
import { useEffect } from 'react';
import { useSession } from '../api/session.tsx';
import { ConnectionBadge } from './ConnectionBadge.tsx';

interface Props {
  title: string;
  sub?: ReactNode;
  children?: ReactNode;
}

/** The head of every page: what it is, whether it is live, and what can be chosen. */
export function PageHead({ title, sub, children }: Props) {
  const { name } = useSession().viewer.workspace;
  useEffect(() => {
    document.title = `${title} · ${name}`;
  }, [title, name]);
  return (
    <header className="page-head">
      <div className="page-title">
        <h1>{title}</h1>
        {sub && <p className="muted">{sub}</p>}
      </div>
      <ConnectionBadge />
      {children && <div className="page-tools">{children}</div>}
    </header>
  );
}
