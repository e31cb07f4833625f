// A long timeline, a change of one setting and a refusal, with a generated client; prints what it has seen as JSON.
import { agent, collect, content, entriesOf, pollEvery } from "./using.js";

const ids = (await collect(entriesOf("many", 200))).map((entry) => entry.id);
await pollEvery(process.env.MAILBOX!, 11);
let sentence = "";
try {
  content(await agent.GET("/audit"));
} catch (error) {
  sentence = (error as Error).message;
}
console.log(JSON.stringify({ entries: ids.length, different: new Set(ids).size, sentence }));
