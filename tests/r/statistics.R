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
k <- data.frame(without = c(52, 48, 48, 56, 49, 50, 49, 52), with = c(53, 49, 51, 54, 47, 48, 51, 48))
long <- data.frame(hits = c(k$without, k$with), arm = factor(rep(0:1, each = 8)), seed = factor(rep(1:8, 2)))
flips <- as.matrix(expand.grid(rep(list(c(-1, 1)), 8)))
sums <- flips %*% (k$with - k$without)
say("signflip.8", mean(abs(sums) >= abs(sum(k$with - k$without))))
say("signflip.8.coin", pvalue(symmetry_test(hits ~ arm | seed, data = long, distribution = exact())))

# Paired t tests: pairs needed for an effect of one SD and of half an SD at the level of two comparisons.
for (dz in c(.5, 1)) say(sprintf("n.%g", dz), power.t.test(delta = dz, sd = 1, sig.level = .02, power = .8, type = "paired")$n)

# The same for the verdicts: beyond 0.01 when the effect is 0.03 with an SD of 0.04, within 0.01 when it is 0.001.
say("n.beyond", power.t.test(delta = .02, sd = .04, sig.level = .02, power = .8, type = "paired")$n)
say("n.within", power.t.test(delta = .009, sd = .04, sig.level = .02, power = .9, type = "paired", alternative = "one.sided")$n)
say("n.real", power.t.test(delta = .009, sd = .04, sig.level = .02, power = .8, type = "paired")$n)

# Nadeau and Bengio's corrected t on the thirty differences, 70 test rows and 30 training rows.
error <- sd(d) * sqrt(1 / 30 + 70 / 30)
say("corrected.t.interval", mean(d) + c(-1, 1) * qt(.98, 29) * error)

# A share of 19 of 30 and Wilson's interval, and one of 18.5 by its formula.
say("wilson.19.of.30", prop.test(19, 30, correct = FALSE)$conf.int)
z <- qnorm(.975); p <- 18.5 / 30
say("wilson.18.5.of.30", (p + z^2 / 60 + c(-1, 1) * z * sqrt(p * (1 - p) / 30 + z^2 / 3600)) / (1 + z^2 / 30))

# Stops and differences of thirty runs: the ranks of those that stopped first against the others.
stops <- c(rep(201, 9), 416 + 8 * (0:20)); effect <- c(-199, -95, -92, -91, -77, -43, -42, -35, -4, 33, -41, -6, 40, 26, -43, -18, 21, -3, 60, -9, 26, 29, 43, 14, 61, 113, 12, -8, -2, 16)
say("mann.whitney", wilcox.test(effect[stops <= 201], effect[stops > 201], exact = FALSE, correct = TRUE)$p.value)

# Seeds and rows crossed: 6 pairs of runs on 8 rows, as an analysis of variance.
right.without <- matrix(c(1,0,1,1,0,1,0,1, 1,1,0,1,0,1,0,1, 0,0,1,1,0,1,1,1, 1,0,1,0,0,1,0,1, 1,0,0,1,1,1,0,0, 1,0,1,1,0,0,0,1), 6, byrow = TRUE)
right.with <- matrix(c(1,1,1,1,0,1,1,1, 1,1,1,1,0,1,0,1, 1,0,1,1,1,1,1,1, 1,1,1,0,0,1,1,0, 1,0,1,1,1,1,1,1, 1,1,1,1,0,1,0,1), 6, byrow = TRUE)
crossed <- data.frame(d = as.vector(right.with - right.without), seed = factor(rep(1:6, 8)), row = factor(rep(1:8, each = 6)))
squares <- summary(aov(d ~ seed + row, data = crossed))[[1]][["Mean Sq"]]
# And its t interval: what seeds and rows both hold is taken off once, and never more than the least of the three.
twice <- min(squares)
total <- squares[1] + squares[2] - twice
error <- sqrt(total / 48)
degrees <- total^2 / (squares[1]^2 / 5 + squares[2]^2 / 7 + twice^2 / 35)
effect <- mean(crossed$d)
say("crossed.interval", effect + c(-1, 1) * qt(.975, degrees) * error)
say("crossed.p", 2 * pt(abs(effect) / error, degrees, lower.tail = FALSE))
say("crossed.tost.0.01", pt((.01 - abs(effect)) / error, degrees, lower.tail = FALSE))
