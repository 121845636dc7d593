// nodemailer's pool on twenty connections. Arguments: port, how many, the mail as JSON. Run where nodemailer is installed.
const fs = require("fs");
const nodemailer = require(require.resolve("nodemailer", { paths: [process.cwd()] }));
const [port, count] = [Number(process.argv[2]), Number(process.argv[3])];
const mail = JSON.parse(fs.readFileSync(process.argv[4], "utf8"));
const names = ["Robin Sample", "Zoë Müller", "Ana Łuczak", "李 样例"];
const pool = nodemailer.createTransport({
  host: "127.0.0.1", port, secure: false, ignoreTLS: true, pool: true, maxConnections: 20, maxMessages: Infinity,
});
const one = (n) => pool.sendMail({
  from: "notice@example.org", to: `p${n}@example.org`, subject: mail.subject,
  text: mail.text.replaceAll("NAME", names[n % 4]), html: mail.html.replaceAll("NAME", names[n % 4]),
});
(async () => {
  const start = process.hrtime.bigint(), before = process.cpuUsage();
  await Promise.all(Array.from({ length: count }, (_, n) => one(n)));
  const used = process.cpuUsage(before), seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const rss = Math.round(Number(/VmHWM:\s*(\d+)/.exec(fs.readFileSync("/proc/self/status", "utf8"))[1]) / 1024);
  console.log(JSON.stringify({ sent: count, seconds, cpu: (used.user + used.system) / 1e6, rss }));
  pool.close();
})();
