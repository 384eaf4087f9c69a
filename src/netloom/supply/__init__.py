"""Who supplies a network: a bill's dollars by component and company, now and in scenarios.

Read it in this order:

- `chain`: what parts are made of and who sells each piece, refused by `refusals` where it is wrong;
- `bill`, `drawn`, `content`: a study's designs, on draws, by component and company (`cents`);
- `scenario`, `dollars`, `rows`: what a scenario changes, what that does to one accelerator's
  dollars, and the rows that they add up to;
- `sector`, `outlook`, `risk`, `tornado`: a build-out's years, what is at risk and what moves them,
  from files that `read` refuses by line and column;
- `attach`, `architectures`, `share`: optical modules per accelerator, and the network's share of a
  bill, beside published ones;
- `backtest`: forecasts of dated series beside what came.
"""
