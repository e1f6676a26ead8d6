import { links, type Routes } from './routes.ts';

/** What a connection is checked with: whose key it is. */
export const users: Routes = {
  'GET /users/me': (account) => ({
    status: 200,
    body: {
      user: {
        username: 'admin',
        firstName: 'Ada',
        lastName: 'Marketing',
        email: 'ada@studio.example',
        phone: '',
        signature: null,
        links: links(account, 'users', '1', ['lists', 'userGroup', 'configs']),
        id: '1',
      },
    },
  }),
};
