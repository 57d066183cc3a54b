// Pages that many people write: forums, questions, mailing lists, comments.
import { type SamplePage, site } from "./site.ts";

const posts = [
  ["anna", "My board has no sound since the update to 6.12. aplay -l lists no card. What changed?"],
  ["rolf_k", "The driver moved into a module of its own. Load snd-soc-foo and look at dmesg."],
  [
    "anna",
    "That was it, thank you! For others: put snd-soc-foo into /etc/modules-load.d/sound.conf, or it is gone after a restart.",
  ],
  ["mod", "Marked as solved."],
];

const forumPost = ([name, text]: string[], n: number) =>
  `<div class="post" id="p${n}"><div class="post-author"><a href="/u/${name}"><img class="avatar" src="/a/${name}.png" alt="avatar"></a><a class="username" href="/u/${name}">${name}</a><span class="rank">Member since 2019, ${n * 113} posts</span></div><div class="post-body"><p>${text}</p></div><div class="post-actions"><button>Quote</button><button>Report</button></div></div>`;

export const communityPages: SamplePage[] = [
  {
    name: "forum-thread",
    url: "https://forum.example/t/no-sound/4411",
    html: site(
      { title: "[SOLVED] No sound after update", site: "Forum", plain: true, weight: 2, teasers: false },
      `<div class="breadcrumbs"><a href="/">Forum</a> » <a href="/f/3">Hardware</a></div><div id="page-body"><h2 class="topic-title"><a href="/t/no-sound/4411">[SOLVED] No sound after update</a></h2>${posts.map(forumPost).join("")}</div>`,
    ),
    has: [
      posts[0]?.[1] as string,
      "Load snd-soc-foo and look at dmesg.",
      "put snd-soc-foo into /etc/modules-load.d/sound.conf",
      "rolf_k",
    ],
    not: ["Quote", "[image: avatar]"],
  },
  {
    name: "question-and-answers",
    url: "https://ask.example/q/77123/read-a-file-backwards",
    html: site(
      { title: "How do I read a file backwards?", site: "Ask", weight: 2 },
      `<main><div id="question-header"><h1><a href="/q/77123/read-a-file-backwards">How do I read a file backwards?</a></h1></div><div class="question"><div class="votecell"><span class="vote-count">42</span></div><div class="post-text"><p>I need the last lines of a log of 40 GB. <code>readlines()</code> fills the memory.</p></div></div><div id="answers"><h2>2 answers</h2><div class="answer accepted"><span class="vote-count">61</span><div class="post-text"><p>Seek to the end and read blocks towards the start:</p><pre class="lang-py prettyprint-override"><code>def blocks(file, size=65536):
    file.seek(0, 2)
    end = file.tell()
    while end &gt; 0:
        start = max(0, end - size)
        file.seek(start)
        yield file.read(end - start)
        end = start</code></pre><p>Join a block's first line with the one before it.</p></div><div class="comments"><ul><li>Careful with multi-byte characters. – <a href="/u/5">kim</a></li></ul></div></div><div class="answer"><span class="vote-count">9</span><div class="post-text"><p>On Linux, <code>tac log | head -100</code> does it.</p></div></div></div></main>`,
    ),
    has: [
      "I need the last lines of a log of 40 GB.",
      "```py\ndef blocks(file, size=65536):\n    file.seek(0, 2)",
      "while end > 0:",
      "`tac log | head -100`",
      "Careful with multi-byte characters.",
    ],
  },
  {
    name: "mailing-list",
    url: "https://lists.example/archives/dev/2026/msg00412.html",
    html: `<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2//EN"><HTML><HEAD><TITLE>Re: [dev] Dropping the old parser</TITLE></HEAD><BODY BGCOLOR="#ffffff"><A HREF="msg00411.html">Prev</A> | <A HREF="msg00413.html">Next</A> | <A HREF="threads.html">Thread</A><H1>Re: [dev] Dropping the old parser</H1><UL><LI><EM>From</EM>: Ines Duarte &lt;ines@tool.example&gt;</LI><LI><EM>Date</EM>: Tue, 3 Mar 2026 09:12:44 +0000</LI></UL><HR><PRE>
On Mon, Mar 2, Paul wrote:
&gt; Nobody uses the old parser any more, so let us drop it in 5.0.

Two of our largest users do. I asked both: they need until June.

So: warn in 5.0, drop in 5.1. Patch follows.

  Ines
</PRE><HR></BODY></HTML>`,
    has: ["> Nobody uses the old parser any more", "So: warn in 5.0, drop in 5.1.", "Date*: Tue, 3 Mar 2026"],
  },
  {
    name: "issue-thread",
    url: "https://code.example/ada/ruler/issues/31",
    html: site(
      { title: "Widths of emoji are wrong · Issue #31", site: "CodeHost", weight: 3, teasers: false },
      `<main><h1>Widths of emoji are wrong <span>#31</span></h1><div class="state">Closed</div><div class="js-discussion">${[
        ["ben", "<p>With <code>size: 20</code> an emoji is 20 wide in the browser and 11.2 here.</p>"],
        [
          "ada",
          "<p>Emoji come from another font, so the table of Inter has nothing for them. Version 3.4 takes the size itself as their width.</p>",
        ],
        ["ben", "<p>Confirmed with 3.4.0.</p>"],
      ]
        .map(
          ([name, html]) =>
            `<div class="timeline-comment"><h3 class="timeline-comment-header"><strong><a href="/${name}">${name}</a></strong> commented</h3><div class="comment-body markdown-body">${html}</div></div>`,
        )
        .join("")}</div></main>`,
    ),
    has: [
      "an emoji is 20 wide in the browser and 11.2 here",
      "Version 3.4 takes the size itself",
      "Confirmed with 3.4.0.",
    ],
  },
  {
    name: "link-aggregator",
    url: "https://links.example/item?id=9912",
    html: site(
      { title: "The last lighthouse keeper leaves", site: "Links", plain: true, weight: 1, teasers: false },
      `<center><table id="hnmain" border="0"><tr><td><table class="fatitem"><tr class="athing"><td class="title"><a href="https://magazine.example/story/81">The last lighthouse keeper leaves</a></td></tr><tr><td class="subtext">312 points by <a href="user?id=mo">mo</a> | 3 comments</td></tr></table><table class="comment-tree">${[
        [0, "My uncle kept one in Scotland. The lamp was the easy part, he said; the fog horn was not."],
        [1, "They kept the horn running by hand until 1974 at ours."],
        [0, "Photos of the lens: it really is four metres high."],
      ]
        .map(
          ([level, text]) =>
            `<tr class="athing comtr"><td><table border="0"><tr><td class="ind" indent="${level}"><img src="s.gif" height="1" width="${Number(level) * 40}"></td><td class="default"><div class="comment"><span class="commtext">${text}</span><div class="reply"><a href="reply?id=1">reply</a></div></div></td></tr></table></td></tr>`,
        )
        .join("")}</table></td></tr></table></center>`,
    ),
    has: ["the fog horn was not", "running by hand until 1974", "312 points"],
  },
];
