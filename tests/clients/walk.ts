// The README's path with a client that is generated from openapi.json; prints what it has seen as JSON.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

const { API, ADMIN, AGENT, MAILBOX, DELIVER } = process.env as Record<string, string>;

const clientOf = (token: string) =>
  createClient<paths>({ baseUrl: API!, headers: { Authorization: `Bearer ${token}` } });
const admin = clientOf(ADMIN!);
const agent = clientOf(AGENT!);

/** The answer's content; an error is shown by the sentence of its problem. */
function content<T>(answer: { data?: T; error?: components["schemas"]["Problem"] }): T {
  if (answer.error) throw new Error(answer.error.detail);
  return answer.data as T;
}

/** Every entry of a timeline, page by page. */
async function entriesOf(id: string): Promise<components["schemas"]["EntryModel"][]> {
  const found: components["schemas"]["EntryModel"][] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const page: components["schemas"]["TimelineModel"] = content(
      await admin.GET("/timelines/{kind}/{id}", {
        params: { path: { kind: "contact", id }, query: { limit: 1, cursor, filter: ["reply", "synced"] } },
      }),
    );
    found.push(...page.entries);
    cursor = page.cursor;
  }
  return found;
}

async function deliver(number: number): Promise<void> {
  const lines = ["From: Sam Poe <sam.poe@example.com>", `To: ${MAILBOX}`, "Subject: Keys"];
  lines.push(`Message-ID: <keys-${number}-${MAILBOX}>`);
  if (number > 1) lines.push(`In-Reply-To: <keys-1-${MAILBOX}>`);
  const mail = [...lines, "", "When may I have the keys?"];
  await fetch(DELIVER!, { method: "POST", body: mail.join("\r\n") });
}

content(
  await admin.PUT("/records/{kind}/{id}", {
    params: { path: { kind: "contact", id: "sam-poe" } },
    body: { name: "Sam Poe", addresses: ["sam.poe@example.com"] },
  }),
);
await deliver(1);
await deliver(2);
let entries = await entriesOf("sam-poe");
// The answer may be taken in before what it answers; it is told of that then.
while (entries.length < 2 || !entries.some((entry) => entry.in_reply_to)) {
  await new Promise((resolve) => setTimeout(resolve, 200));
  entries = await entriesOf("sam-poe");
}
const thread = content(
  await admin.GET("/messages/{id}/thread", { params: { path: { id: entries[0]!.message_id } } }),
);
const address = { path: { address: MAILBOX! } };
const before = content(await admin.GET("/mailboxes/{address}", { params: address }));
const after = content(
  await admin.PUT("/mailboxes/{address}", { params: address, body: { poll_minutes: before.poll_minutes + 1 } }),
);
const load = content(
  await admin.POST("/records", { body: [{ kind: "client", id: "CL-7", name: "Fabrikam" }] }),
);
const inbox = content(await agent.GET("/inbox"));
const refusal = await agent.GET("/audit");

console.log(
  JSON.stringify({
    entries,
    thread: thread.entries.map((entry) => [entry.in_reply_to, entry.answers]),
    before,
    after,
    written: load.written,
    inbox: inbox.items,
    refusal: refusal.error?.detail,
  }),
);
