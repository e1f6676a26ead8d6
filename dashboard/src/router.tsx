import { createRootRoute, createRoute, createRouter, Link, lazyRouteComponent } from '@tanstack/react-router';
import { Today } from './pages/Today.tsx';
import { Shell } from './shell/Shell.tsx';

const root = createRootRoute({
  component: Shell,
  notFoundComponent: () => (
    <div className="state">
      <strong>There is no such page</strong>
      <Link to="/" className="link">
        Go to today
      </Link>
    </div>
  ),
});

const today = createRoute({
  getParentRoute: () => root,
  path: '/',
  validateSearch: ({ day }: { day?: unknown }): { day?: string } =>
    typeof day === 'string' && /^\d{4}-\d\d-\d\d$/.test(day) && !Number.isNaN(Date.parse(day)) ? { day } : {},
  component: Today,
});

const activity = createRoute({
  getParentRoute: () => root,
  path: '/activity',
  validateSearch: ({ show }: { show?: unknown }): { show?: string } =>
    typeof show === 'string' ? { show } : {},
  component: lazyRouteComponent(() => import('./pages/Activity.tsx'), 'Activity'),
});

const customers = createRoute({
  getParentRoute: () => root,
  path: '/customers',
  component: lazyRouteComponent(() => import('./pages/Customers.tsx'), 'Customers'),
});

const customer = createRoute({
  getParentRoute: () => root,
  path: '/customers/$id',
  component: lazyRouteComponent(() => import('./pages/Customer.tsx'), 'Customer'),
});

const leads = createRoute({
  getParentRoute: () => root,
  path: '/leads',
  component: lazyRouteComponent(() => import('./pages/Leads.tsx'), 'Leads'),
});

export const router = createRouter({
  routeTree: root.addChildren([today, activity, customers, customer, leads]),
  defaultPreload: 'intent',
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
