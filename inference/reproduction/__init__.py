"""The five published systems and ours, trained and judged side by side: plan, runs, and the page that shows them."""
