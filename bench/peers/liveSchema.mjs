// What the live peers have in common: the schema, and the route that makes them publish.
export const typeDefs = `
  type Query { ok: Boolean }
  type Subscription { activityAdded(after: String): ActivityAdded! }
  type ActivityAdded { cursor: String! activity: Activity! }
  type Activity { id: ID! type: String! recordedAt: String! customer: Customer }
  type Customer { fullName: String }
`;

let published = 0;

const event = () => ({
  cursor: `OTQ1YjM1ZjAtN2I1YS00YWE1LWI2MjMtZjA0YzA2MmE1OTVlOjEyMzQ1${++published}`,
  activity: {
    id: 'act_01kaj2zv0mfpmtvk0v8t6x5a5g',
    type: 'CUSTOMER_UPDATED',
    recordedAt: new Date().toISOString(),
    customer: { fullName: 'Customer of the benchmark' },
  },
});

/** `POST /publish?count=`: that many events, one after the other. False for any other request. */
export function answerPublishing(req, res, publish) {
  const url = new URL(req.url, 'http://localhost');
  if (url.pathname !== '/publish') return false;
  void (async () => {
    for (let n = Number(url.searchParams.get('count')); n > 0; n--) {
      await publish(event());
      await new Promise((done) => setImmediate(done));
    }
    res.end('published');
  })();
  return true;
}
