// The online shop: a plan of three sections, and the files and commands of each task. `shop-delivery` checks and serves
// it.
import type { ContentName } from "../content.ts";
import { call, type ToolUse } from "../reply.ts";
import { excerpt } from "../result.ts";
import {
  done,
  givenUp,
  type Project,
  type ScriptedTask,
  type TaskContext,
  type TaskScript,
  trying,
} from "../script.ts";
import { CHECK, forgetShipping, functionalTest } from "./shop-check.ts";
import { deploy, performance, probe, readRuntime, summarizeShop } from "./shop-delivery.ts";

function write(context: TaskContext, path: string, name: ContentName): ToolUse {
  return call("create_file", { path: `shop/${path}`, content: context.content.read(name, context.language) });
}

function document(path: string, name: ContentName, zh: string, en: string): TaskScript {
  return function* (context) {
    const [written] = yield* trying({ text: { zh, en }, uses: [write(context, path, name)] });
    if (written?.ok) return done(`已写入 \`shop/${path}\`。`, `Written to \`shop/${path}\`.`);
    const why = excerpt(written?.text ?? "");
    return givenUp(`\`shop/${path}\` 没有写成：${why}`, `\`shop/${path}\` could not be written: ${why}`);
  };
}

function* setUp(context: TaskContext): ReturnType<TaskScript> {
  yield* trying({
    text: { zh: "先看看沙箱里有什么可以用的运行环境。", en: "First a look at what the sandbox can run." },
    uses: [probe],
  });
  const runtime = readRuntime(context);
  const [written] = yield* trying({
    text: { zh: "写好项目描述文件，不需要安装任何依赖。", en: "The project file; nothing needs to be installed." },
    uses: [write(context, "package.json", "shop/package.json")],
  });
  if (!written?.ok) return givenUp("项目文件没有写成。", "The project file could not be written.");
  if (runtime === "node") return done("Node 可用，环境就绪。", "Node is there; the environment is ready.");
  if (runtime === "python") {
    return done(
      "沙箱里没有 Node 18+，改用 Python 自带的文件服务器，购物车由页面保存。",
      "There is no Node 18+ here, so Python's file server will serve the page and the page keeps the cart.",
    );
  }
  return done(
    "沙箱里没有 Node 也没有 Python：我会写好全部文件，但不能在这里运行。",
    "There is neither Node nor Python here: I'll write all files, but they can't run in this sandbox.",
  );
}

function* designData(context: TaskContext): ReturnType<TaskScript> {
  const uses = [
    write(context, "data/products.json", "shop/*/products.json"),
    write(context, "docs/database.md", "shop/*/database.md"),
  ];
  // A static file server answers `GET api/products` with the file of that name.
  if (readRuntime(context) !== "node") uses.push(write(context, "public/api/products", "shop/*/products.json"));
  const results = yield* trying({
    text: { zh: "设计数据结构，并准备八件商品。", en: "The shape of the data, and eight products to sell." },
    uses,
  });
  if (results.some((result) => !result.ok))
    return givenUp("商品数据没有写成。", "The product data could not be written.");
  if (readRuntime(context) !== "node") return done("商品数据已就绪。", "The product data is ready.");
  const script =
    "const { products } = JSON.parse(require('fs').readFileSync('data/products.json', 'utf8')); console.log(products.length + ' products: ' + products.map((p) => p.name).join(', '))";
  const [counted] = yield {
    text: { zh: "读一遍，确认数据有效。", en: "Reading it back to see that it is sound." },
    uses: [call("execute_command", { command: `cd shop && node --input-type=commonjs -e "${script}"` })],
  };
  if (counted?.ok) return done("数据有效，八件商品都在。", "The data is sound; all eight products are there.");
  return done("数据已写入，但没能读回来核对。", "The data is written; reading it back did not work.");
}

function* buildServer(context: TaskContext): ReturnType<TaskScript> {
  const results = yield* trying({
    text: {
      zh: "编写存储与服务器：商品、购物车、订单三组接口。",
      en: "The store and the server: products, cart and orders.",
    },
    reasoning: {
      zh: "金额必须由服务器计算；写入要先写新文件再改名；请求体要有上限。",
      en: "Money is worked out by the server only; writes go to a new file that is renamed; bodies are bounded.",
    },
    uses: [
      call("create_file", {
        path: "shop/lib/store.js",
        content: forgetShipping(context.content.read("shop/lib/store.js", context.language)),
      }),
      write(context, "server.js", "shop/server.js"),
    ],
  });
  if (results.some((result) => !result.ok)) return givenUp("服务器代码没有写成。", "The server could not be written.");
  if (readRuntime(context) !== "node")
    return done("后端代码已写好（此处没有 Node，未运行）。", "The server is written (not run: no Node here).");
  const [checked] = yield* trying({
    text: { zh: "检查语法。", en: "Checking the syntax." },
    uses: [
      call("execute_command", {
        command: "cd shop && node --check lib/store.js && node --check server.js && echo syntax ok",
      }),
    ],
  });
  if (checked?.ok) return done("后端完成，语法检查通过。", "The server is done; its syntax is right.");
  const why = excerpt(checked?.text ?? "");
  return done(`后端已写好，语法检查没能完成：${why}`, `The server is written; the syntax check did not finish: ${why}`);
}

function* buildPage(context: TaskContext): ReturnType<TaskScript> {
  const steps: { zh: string; en: string; uses: ToolUse[] }[] = [
    {
      zh: "先写页面结构与整体样式。",
      en: "The page and its overall style.",
      uses: [
        write(context, "public/index.html", "shop/*/index.html"),
        write(context, "public/style.css", "shop/public/style.css"),
      ],
    },
    {
      zh: "接着是商品与购物车的样式，以及手绘的 SVG 插图。",
      en: "The style of products and cart, and the drawings as SVG.",
      uses: [
        write(context, "public/shop.css", "shop/public/shop.css"),
        write(context, "public/art.js", "shop/public/art.js"),
      ],
    },
    {
      zh: "最后是购物车与页面逻辑。",
      en: "At last the cart and what the page does.",
      uses: [
        write(context, "public/cart.js", "shop/public/cart.js"),
        write(context, "public/app.js", "shop/public/app.js"),
      ],
    },
  ];
  for (const { zh, en, uses } of steps) {
    const failed = (yield* trying({ text: { zh, en }, uses })).find((result) => !result.ok);
    if (!failed) continue;
    const why = excerpt(failed.text);
    return givenUp(`页面文件没有写全：${why}`, `The page could not be written completely: ${why}`);
  }
  yield {
    text: { zh: "看一眼目录。", en: "A look at the folder." },
    uses: [call("list_files", { path: "shop", depth: 2 })],
  };
  return done("前端完成：商品、筛选、购物车、下单都在。", "The page is done: products, filter, cart and checkout.");
}

const sections: { title: { zh: string; en: string }; tasks: ScriptedTask[] }[] = [
  {
    title: { zh: "需求分析", en: "Requirements" },
    tasks: [
      {
        title: { zh: "分析功能需求", en: "Analyse what the shop must do" },
        script: document(
          "docs/requirements.md",
          "shop/*/requirements.md",
          "先把顾客能做什么、规则和验收标准写清楚。",
          "What a customer can do, the rules, and when it is done.",
        ),
      },
      {
        title: { zh: "设计系统架构", en: "Design the architecture" },
        script: document(
          "docs/architecture.md",
          "shop/*/architecture.md",
          "画出各部分与接口。",
          "The parts and how they speak to each other.",
        ),
      },
      {
        title: { zh: "确定技术栈", en: "Choose the technology" },
        script: document(
          "docs/stack.md",
          "shop/*/stack.md",
          "选择在空白沙箱里就能运行的技术。",
          "What runs in a bare sandbox, without anything to install.",
        ),
      },
    ],
  },
  {
    title: { zh: "开发阶段", en: "Development" },
    tasks: [
      { title: { zh: "搭建环境", en: "Set up the environment" }, script: setUp },
      {
        title: { zh: "数据库设计", en: "Design the data" },
        script: designData,
        checks: [{ type: "file", path: "shop/data/products.json", json: { path: "products", min_items: 6 } }],
      },
      { title: { zh: "开发后端", en: "Build the server" }, script: buildServer },
      {
        title: { zh: "开发前端", en: "Build the page" },
        script: buildPage,
        checks: [{ type: "file", path: "shop/public/index.html", contains: "<title>" }],
      },
    ],
  },
  {
    title: { zh: "测试部署", en: "Testing and launch" },
    tasks: [
      {
        title: { zh: "功能测试", en: "Test every function" },
        script: functionalTest,
        checks: [{ type: "command", run: CHECK, contains: ", 0 failed" }],
      },
      { title: { zh: "性能优化", en: "Improve the speed" }, script: performance },
      { title: { zh: "部署上线", en: "Put it online" }, script: deploy },
    ],
  },
];

export const shopTasks: ScriptedTask[] = sections.flatMap((section) => section.tasks);

export const shop: Project = {
  announce: () => ({
    text: {
      zh: "好的，我来做一个电商网站。先说明：我是**脚本化演示模型**，不是真实的大模型，会按固定的剧本真实地写文件、运行命令。先列计划：",
      en: "I'll build you an online shop. To be plain: I am a **scripted demo model**, not a real one; I follow a fixed script, but the files and commands are real. First the plan:",
    },
    reasoning: {
      zh: "这是一个多步骤的项目，需要先列任务清单：需求分析、开发、测试部署，然后逐项完成。",
      en: "This is a project of many steps, so a task list comes first: requirements, development, testing and launch; then one task after another.",
    },
  }),
  plan: (_goal, language) =>
    sections.map(({ title, tasks }) => {
      const checks = tasks.flatMap((task, at) => (task.checks ?? []).map((check) => ({ task: at + 1, ...check })));
      const texts = tasks.map((task) => task.title[language]);
      return { title: title[language], tasks: texts, ...(checks.length === 0 ? {} : { checks }) };
    }),
  summarize: summarizeShop,
};
