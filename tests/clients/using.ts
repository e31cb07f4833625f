// What a CRM does with a client that is generated from openapi.json.
// What stands between ">> ... <<" and ">> end <<" is shown in docs/api.md, where a test compares it.
// >> types <<
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js"; // made by openapi-typescript

type Entry = components["schemas"]["EntryModel"];
type Timeline = components["schemas"]["TimelineModel"];
type Problem = components["schemas"]["Problem"];
// >> end <<

const environment = process.env as Record<string, string>;
const { API, ADMIN, AGENT, TOKEN_URL, CLIENT_ID, SECRET, POSTLEDGER_CLIENT_ID, ORGANISATION } = environment;

// >> token <<
/** The token of a CRM's back end. It is good for an hour: ask for another before it ends. */
async function serviceToken(): Promise<string> {
  const answer = await fetch(TOKEN_URL!, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_id: CLIENT_ID!,
      client_secret: SECRET!,
      scope: `api://${POSTLEDGER_CLIENT_ID}/.default`,
    }),
  });
  if (!answer.ok) throw new Error(await answer.text());
  return ((await answer.json()) as { access_token: string }).access_token;
}

export const service = createClient<paths>({
  baseUrl: API!,
  headers: { Authorization: `Bearer ${await serviceToken()}`, "Postledger-Organisation": ORGANISATION! },
});
// >> end <<

const clientOf = (token: string) =>
  createClient<paths>({ baseUrl: API!, headers: { Authorization: `Bearer ${token}` } });
export const admin = clientOf(ADMIN!);
export const agent = clientOf(AGENT!);

// >> error <<
/** The answer's content; an error is thrown with the sentence of its problem. */
export function content<T>(answer: { data?: T; error?: Problem }): T {
  if (answer.error) throw new Error(answer.error.detail);
  return answer.data as T;
}
// >> end <<

// >> pages <<
/** Every entry of a contact's timeline, newest first, page by page. */
export async function* entriesOf(id: string, limit: number): AsyncGenerator<Entry> {
  let cursor: string | null = "";
  while (cursor !== null) {
    const page: Timeline = content(
      await service.GET("/timelines/{kind}/{id}", {
        params: { path: { kind: "contact", id }, query: { limit, cursor, filter: ["reply", "synced"] } },
      }),
    );
    yield* page.entries;
    cursor = page.cursor;
  }
}
// >> end <<

// >> update <<
/** Changes one setting of a mailbox; what is not named stays as it is. */
export const pollEvery = async (address: string, minutes: number) =>
  content(
    await admin.PUT("/mailboxes/{address}", {
      params: { path: { address } },
      body: { poll_minutes: minutes },
    }),
  );
// >> end <<

// >> stream <<
/** The audit, line by line: one JSON object each, as long as it may be. */
export async function* audit(): AsyncGenerator<components["schemas"]["AuditRowModel"]> {
  const answer = await admin.GET("/audit/export", { parseAs: "stream" });
  let rest = "";
  for await (const text of content(answer)!.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) yield JSON.parse(line);
  }
}
// >> end <<

export async function collect<T>(found: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of found) all.push(item);
  return all;
}
