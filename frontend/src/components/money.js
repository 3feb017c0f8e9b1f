import { say } from "../words.js";
// Says how an amount such as 12,000 or 1.2万 was understood; the server reads it again by the same rule.
export default () => ({
  heard: "",
  listen() {
    const text = this.$root.querySelector("input").value.normalize("NFKC").replace(/[,\s¥元]/g, "");
    const match = /^([+-]?\d+(?:\.\d+)?)(万|w|W|k|K)?$/.exec(text);
    if (!text) this.heard = "";
    else if (!match) this.heard = say("money_unread");
    else {
      const shift = { 万: 4, w: 4, W: 4, k: 3, K: 3 }[match[2]] || 0;
      const [whole, cents = ""] = match[1].split(".");
      const digits = whole + cents.padEnd(shift, "0").slice(0, shift);
      const rest = cents.slice(shift);
      const grouped = String(BigInt(digits || "0")).replace(/\B(?=(\d{3})+$)/g, ",");
      this.heard = rest.length > 2 ? say("money_cents") : say("money_heard", { amount: `${grouped}.${rest.padEnd(2, "0")}` });
    }
  },
});
