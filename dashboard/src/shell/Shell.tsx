import './Shell.css';
import { ActionIcon, Kbd, UnstyledButton } from '@mantine/core';
import { IconLogout2, IconSearch } from '@tabler/icons-react';
import { Link, Outlet } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useState } from 'react';
import { undoLatest } from '../actions/toast.ts';
import { signOut, useSession } from '../api/session.tsx';
import { Announcer } from './Announcer.tsx';
import { Brand } from './Brand.tsx';
import { ConnectionBanner } from './ConnectionBanner.tsx';
import { places } from './places.ts';
import { SchemeSwitch } from './SchemeSwitch.tsx';

const Palette = lazy(() => import('./Palette.tsx').then(({ Palette }) => ({ default: Palette })));
const Toasts = lazy(() => import('./Toasts.tsx').then(({ Toasts }) => ({ default: Toasts })));

const onMac = /Mac|iPhone|iPad/.test(navigator.platform);

/** What is around every page: where to go, whether it is live, and the way out. */
export function Shell() {
  const { workspace } = useSession().viewer;
  /** How often the palette was asked for; it is loaded the first time. */
  const [asked, setAsked] = useState(0);
  const search = () => setAsked((times) => times + 1);

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const typing =
        event.target instanceof HTMLElement && event.target.closest('input, textarea, [contenteditable]');
      const undoes = (event.metaKey || event.ctrlKey) && event.key.toLowerCase() === 'z' && !event.shiftKey;
      if (undoes && !typing && undoLatest()) return event.preventDefault();
      const palette = (event.metaKey || event.ctrlKey) && event.key.toLowerCase() === 'k';
      if (!palette && (event.key !== '/' || typing)) return;
      event.preventDefault();
      setAsked((times) => times + 1);
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);

  return (
    <div className="shell">
      <a href="#content" className="skip">
        Skip to the content
      </a>
      <header className="side">
        <div className="side-head">
          <Brand />
          <div className="side-name">
            <strong>Frontdesk</strong>
            <span title={workspace.name}>{workspace.name}</span>
          </div>
        </div>
        <UnstyledButton className="search-button" onClick={search}>
          <IconSearch size={16} aria-hidden />
          <span>Search or go to…</span>
          <Kbd size="xs" aria-hidden>
            {onMac ? '⌘K' : 'Ctrl K'}
          </Kbd>
        </UnstyledButton>
        <nav aria-label="Pages" className="places">
          {places.map(({ to, label, Icon }) => (
            <Link
              key={to}
              to={to}
              activeOptions={{ exact: to === '/', includeSearch: false }}
              className="place"
            >
              <Icon size={18} stroke={1.75} aria-hidden />
              <span>{label}</span>
            </Link>
          ))}
        </nav>
        <div className="side-foot">
          <SchemeSwitch />
          <ActionIcon
            variant="subtle"
            color="gray"
            size="lg"
            onClick={() => signOut()}
            aria-label="Sign out"
            title="Sign out"
          >
            <IconLogout2 size={18} stroke={1.75} />
          </ActionIcon>
        </div>
      </header>
      <main id="content" className="content" tabIndex={-1}>
        <ConnectionBanner />
        <Outlet />
      </main>
      <Announcer />
      <Suspense>
        <Toasts />
      </Suspense>
      {asked > 0 && (
        <Suspense>
          <Palette asked={asked} />
        </Suspense>
      )}
    </div>
  );
}
