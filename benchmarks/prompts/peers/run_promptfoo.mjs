// promptfoo's evaluation in this process, with its assertion of equality, as `asked.py` has it.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [address, folder, told] = process.argv.slice(2);
const { calls, concurrency, tenth, warm_up, repeats, enough_s } = JSON.parse(told);
const { evaluate } = await import(
  pathToFileURL(createRequire(`${folder}/`).resolve("promptfoo")).href
);

async function evaluated(texts) {
  const found = await evaluate(
    {
      prompts: ["Say {{text}}"],
      providers: [
        {
          id: "openai:chat:stub",
          config: { apiBaseUrl: address, apiKey: "none", max_tokens: 5, temperature: 0 },
        },
      ],
      tests: texts.map((text) => ({
        vars: { text },
        assert: [{ type: "equals", value: text }],
      })),
      writeLatestResults: true,
    },
    { maxConcurrency: concurrency, cache: false, showProgressBar: false },
  );
  const table = found.toEvaluateSummary ? await found.toEvaluateSummary() : found;
  return table.stats.successes;
}

const tell = (every) => fetch(`${address}/busy/${every}`);
const texts = Array.from({ length: calls }, (_, number) => `word ${number}`);
await evaluated(texts.slice(0, warm_up));
const costs = [];
while (costs.length < repeats && costs.reduce((sum, [wall]) => sum + wall, 0) < enough_s) {
  const [wall, cpu] = [performance.now(), process.cpuUsage()];
  const right = await evaluated(texts);
  const { user, system } = process.cpuUsage(cpu);
  costs.push([(performance.now() - wall) / 1e3, (user + system) / 1e6]);
  if (right !== calls) throw new Error(`${right} of ${calls} are right, though every answer is`);
}
await tell(tenth);
let kept;
try {
  kept = { kept: await evaluated(texts) };
} catch (error) {
  kept = { kept: 0, raised: error.name };
}
await tell(0);
console.log(JSON.stringify({ costs, ...kept }));
process.exit(0);
