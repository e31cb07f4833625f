// The README's path with a generated client, against a running stack; prints what it has seen as JSON.
import { admin, agent, audit, collect, content, entriesOf, pollEvery, service } from "./using.js";

const { MAILBOX, DELIVER } = process.env as Record<string, string>;

async function deliver(number: number): Promise<void> {
  const lines = ["From: Sam Poe <sam.poe@example.com>", `To: ${MAILBOX}`, "Subject: Keys"];
  lines.push(`Message-ID: <keys-${number}-${MAILBOX}>`);
  if (number > 1) lines.push(`In-Reply-To: <keys-1-${MAILBOX}>`);
  const mail = [...lines, "", "When may I have the keys?"];
  await fetch(DELIVER!, { method: "POST", body: mail.join("\r\n") });
}

content(
  await service.PUT("/records/{kind}/{id}", {
    params: { path: { kind: "contact", id: "sam-poe" } },
    body: { name: "Sam Poe", addresses: ["sam.poe@example.com"] },
  }),
);
await deliver(1);
await deliver(2);
let entries = await collect(entriesOf("sam-poe", 1));
// The answer may be taken in before what it answers; it is told of that then.
while (entries.length < 2 || !entries.some((entry) => entry.in_reply_to)) {
  await new Promise((resolve) => setTimeout(resolve, 200));
  entries = await collect(entriesOf("sam-poe", 1));
}
const thread = content(
  await service.GET("/messages/{id}/thread", { params: { path: { id: entries[0]!.message_id } } }),
);
const before = content(await admin.GET("/mailboxes/{address}", { params: { path: { address: MAILBOX! } } }));
const after = await pollEvery(MAILBOX!, before.poll_minutes + 1);
const load = content(
  await service.POST("/records", { body: [{ kind: "client", id: "CL-7", name: "Fabrikam" }] }),
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
    audited: (await collect(audit())).map((line) => line.what),
  }),
);
