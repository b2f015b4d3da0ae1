# What R says of the same numbers. Its output, statistics.csv, is what the tests expect:
#     cd tests/r && Rscript statistics.R > statistics.csv
# Debian packages: r-base-core r-cran-survival r-cran-coin
suppressMessages({library(survival); library(coin)})

say <- function(name, ...) for (i in seq_along(c(...))) cat(sprintf("%s,%d,%.17g\n", name, i, c(...)[i]))
cat("name,index,value\n")

# Paired differences: t intervals at the levels of the first looks, their p, and two one-sided tests.
pairs <- read.csv("pairs.csv")
d <- pairs$with - pairs$without
for (alpha in c(.04, .02, .01, .005, .00125)) say(sprintf("t.interval.%g", alpha), t.test(d, conf.level = 1 - alpha)$conf.int)
say("t.p", t.test(d)$p.value)
say("tost.0.02", max(t.test(d, mu = -.02, alternative = "greater")$p.value, t.test(d, mu = .02, alternative = "less")$p.value))

# Benjamini and Hochberg.
say("bh", p.adjust(c(.001, .008, .039, .041, .042, .06, .074, .205), method = "BH"))

# Exact McNemar: of the pairs in which one half only is bad, how many on either side.
for (bc in list(c(6, 0), c(8, 0), c(7, 1), c(12, 3))) say(sprintf("mcnemar.%d.%d", bc[1], bc[2]), binom.test(bc[1], sum(bc))$p.value)

# Newcombe's interval (1998, method 10) of p1 - p2, from R's Wilson intervals.
newcombe <- function(k1, n1, k2, n2, level = .95) {
  w1 <- suppressWarnings(prop.test(k1, n1, conf.level = level, correct = FALSE)$conf.int)
  w2 <- suppressWarnings(prop.test(k2, n2, conf.level = level, correct = FALSE)$conf.int)
  p1 <- k1 / n1; p2 <- k2 / n2
  c(p1 - p2 - sqrt((p1 - w1[1])^2 + (w2[2] - p2)^2), p1 - p2 + sqrt((w1[2] - p1)^2 + (p2 - w2[1])^2))
}
for (k in c(1, 2, 4, 6)) say(sprintf("newcombe.%d.0", k), newcombe(k, 30, 0, 30))
say("newcombe.2.6", newcombe(2, 30, 6, 30))
say("newcombe.98.4.1", newcombe(4, 30, 1, 30, .98))

# Ten runs an arm, asked for 100 epochs. Three of "with" stop early, without having got there.
epochs.without <- c(20, 25, 30, 40, 50, 60, 70, 80, 100, 100); there.without <- c(1, 1, 1, 1, 1, 1, 1, 1, 0, 0)
epochs.with <- c(18, 22, 24, 28, 30, 35, 40, 12, 14, 15); there.with <- c(1, 1, 1, 1, 1, 1, 1, 0, 0, 0)
stopped <- ifelse(there.with == 1, epochs.with, 100)
arm <- rep(0:1, each = 10)
logrank <- function(with) {
  test <- survdiff(Surv(c(epochs.without, with), c(there.without, there.with)) ~ arm)
  pchisq(test$chisq, 1, lower.tail = FALSE)
}
say("logrank.censored.at.stop", logrank(epochs.with))
say("logrank.at.risk", logrank(stopped))

# Eight pairs of accuracies in steps of 1/70: ties between differences are ties only in exact arithmetic.
k <- data.frame(without = c(52, 55, 49, 53, 54, 50, 56, 51), with = c(55, 56, 52, 52, 57, 53, 55, 54))
long <- data.frame(hits = c(k$without, k$with), arm = factor(rep(0:1, each = 8)), seed = factor(rep(1:8, 2)))
flips <- as.matrix(expand.grid(rep(list(c(-1, 1)), 8)))
sums <- flips %*% (k$with - k$without)
say("signflip.8", mean(abs(sums) >= abs(sum(k$with - k$without))))
say("signflip.8.coin", pvalue(symmetry_test(hits ~ arm | seed, data = long, distribution = exact())))

# The chance that a new run lies between the ith and jth of n ordered ones is (j - i) / (n + 1) whatever it is drawn from;
# the chance that at least half of all runs lie there is a binomial sum.
say("sign.interval.19.of.30", binom.test(19, 30, conf.level = .98)$conf.int)

# Paired t tests: pairs needed for an effect of one SD and of half an SD at the level of two comparisons.
for (dz in c(.5, 1)) say(sprintf("n.%g", dz), power.t.test(delta = dz, sd = 1, sig.level = .02, power = .8, type = "paired")$n)
